//! What the stack survives: every container restarted, every container's process killed.

use e2e::engine::{docker, inspect, said, until};
use serde_json::json;

use crate::{SERVICES, prod};

fn everything_is_well() {
    for service in SERVICES {
        until(&format!("{service} is healthy"), || {
            prod().is_healthy(service).then_some(())
        });
    }
    until("the edge serves films", || {
        let answer = prod().edge.get("/api/v1/film?limit=1").ok()?;
        (answer.status == 200).then_some(())
    });
}

#[test]
fn a_film_outlives_a_restart_and_a_kill_of_every_container() {
    let stack = prod();
    everything_is_well();
    let film = json!({"title": "The Survivor"});
    let made = stack
        .edge
        .request("POST", "/api/v1/film", &[], Some(&film))
        .unwrap();
    assert_eq!(made.status, 201);
    let path = format!(
        "/api/v1/film/{}",
        made.json().unwrap()["id"].as_str().unwrap()
    );
    for service in SERVICES {
        for container in stack.containers(service) {
            docker(["restart", &container]).unwrap();
        }
        everything_is_well();
        assert_eq!(stack.get(&path).status, 200, "after a restart of {service}");
    }
    for service in SERVICES {
        for container in stack.containers(service) {
            let before = inspect(&container);
            // As a crash looks to the engine; `docker kill` would be an order not to start it again.
            let pid = before["State"]["Pid"].to_string();
            said("kill", ["-KILL", &pid], []).unwrap();
            until(&format!("{service} is started again"), || {
                let now = inspect(&container);
                let other = now["State"]["Pid"].to_string();
                (now["State"]["Running"] == true && other != pid && other != "0").then_some(())
            });
        }
        everything_is_well();
        assert_eq!(stack.get(&path).status, 200, "after a kill of {service}");
    }
    let gone = stack.edge.request("DELETE", &path, &[], None).unwrap();
    assert!(gone.status < 300);
}
