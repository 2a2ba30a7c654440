//! `gantry lint` over what compose printed, which needs no Docker.

use std::fs;

use serde_json::{Value, json};

use crate::gantry;

fn service() -> Value {
    json!({
        "image": "films/api:1", "build": {"context": "."}, "user": "65532:65532", "read_only": true,
        "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"],
        "mem_limit": "1000000", "cpus": 1, "pids_limit": 10, "ulimits": {"nofile": 1024},
        "logging": {"driver": "local", "options": {"mode": "non-blocking"}},
        "healthcheck": {"interval": "30s", "timeout": "5s", "retries": 3, "start_period": "10s"},
        "restart": "on-failure:5", "stop_grace_period": "35s", "networks": {"app": null},
    })
}

#[test]
fn holes_are_shown_with_what_to_write_instead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.json");
    let file = path.to_str().unwrap();
    let mut config = json!({
        "services": {"api": service(), "mine": service()},
        "networks": {"app": {"internal": true}},
    });
    fs::write(&path, config.to_string()).unwrap();
    insta::assert_snapshot!(gantry(&["lint", file]).without(folder.path()));
    config["services"]["mine"]["privileged"] = json!(true);
    config["services"]["mine"]["environment"] = json!({"API_TOKEN": "x"});
    fs::write(&path, config.to_string()).unwrap();
    insta::assert_snapshot!(gantry(&["lint", file, "--stack", "dev"]).without(folder.path()));
    let ran = gantry(&["lint", file, "--output", "json"]);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (
            ran.code,
            told["stacks"][0]["findings"][1]["column"].as_str()
        ),
        (3, Some("never")),
        "{ran}"
    );
    assert!(!ran.stdout.contains("\"x\""), "a value is not shown: {ran}");
}

#[test]
fn a_file_that_compose_did_not_print_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stack.json");
    for (text, code) in [("{", 3), ("{}", 3)] {
        fs::write(&path, text).unwrap();
        let ran = gantry(&["lint", path.to_str().unwrap()]);
        assert_eq!(ran.code, code, "{ran}");
    }
}
