//! Neo4j: its built-in password never opens a connection, and its probe speaks Bolt itself.

use std::thread;
use std::time::Duration;

use e2e::engine::docker;

use super::Store;

const PASSWORD: &str = "correct horse battery";
const OPTIONS: &[&str] = &[
    "--memory=1g",
    "--tmpfs=/tmp:noexec,nosuid,nodev,size=64m,uid=7474,gid=7474,mode=0700",
    "--volume=NAME:/data",
];

fn store(test: &str) -> Store {
    let store = Store::new("neo4j", test, OPTIONS);
    store.secret("neo4j_password", PASSWORD);
    store.secret("wrong", "wrong horse battery");
    store.secret("built-in", "neo4j");
    store
}

#[test]
fn neo4j_is_red_until_its_own_password_opens_it() {
    let store = store("neo4j-red");
    store.start(&[]);
    let took = store.green_after(|said| {
        assert_eq!(said.code, Some(1), "{}", said.err);
        let built_in = store.probe_with("GANTRY_NEO4J_PASSWORD_FILE=/run/secrets/built-in");
        assert!(!built_in.ok, "the built-in password opened it");
    });
    println!("neo4j: first start to green {took:?}");
    for wrong in ["wrong", "built-in"] {
        let said = store.probe_with(&format!("GANTRY_NEO4J_PASSWORD_FILE=/run/secrets/{wrong}"));
        store.red(&said, "Neo4j refuses");
    }
    store.hangs_and_goes_on();
    store.keeps_its_secret("battery");

    store.secret("neo4j_password", "another horse");
    store.red(&store.probe(), "Neo4j refuses");
    docker(["stop", "--time=60", &store.name]).unwrap();
    store.start(&[]);
    let took = store.green_after(|_| {});
    println!("neo4j: later start to green {took:?}");
    store.secret("neo4j_password", PASSWORD);
    store.red(&store.probe(), "Neo4j refuses");

    // Stopped, it can be dumped by its own tool, on the same terms.
    docker(["stop", "--time=60", &store.name]).unwrap();
    let code = docker(["inspect", "--format={{.State.ExitCode}}", &store.name]).unwrap();
    assert_eq!(code, "0");
    store.start(&["admin", "database", "dump", "neo4j", "--to-path=/data"]);
    docker(["wait", &store.name]).unwrap();
    let log = docker(["logs", &store.name]);
    assert!((log.out + &log.err).contains("Dump completed successfully"));
}

#[test]
fn neo4j_killed_while_it_initialises_starts_again() {
    let store = store("neo4j-half");
    store.start(&[]);
    thread::sleep(Duration::from_secs(4));
    store.kill("KILL");
    docker(["start", &store.name]).unwrap();
    store.green();
    store.kill("KILL");
    docker(["start", &store.name]).unwrap();
    store.green();
}

#[test]
fn neo4j_refuses_to_lose_its_data() {
    let store = store("neo4j-foreign");
    let (code, why) = store.refused(":/data", &[]);
    assert_eq!(code, Some(64));
    assert!(why.contains("no volume is mounted at /data"), "{why}");
    store.secret("neo4j_password", "short");
    let (code, why) = store.refused("", &[]);
    assert_eq!(
        (code, why.contains("shorter than 8")),
        (Some(64), true),
        "{why}"
    );
}
