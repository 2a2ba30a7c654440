//! A start waits for what the service cannot do without, and for nothing else.

use testkit::{OwnPostgres, Redis, Stop};

use crate::program::{Dataflow, free, text};

#[test]
fn postgresql_is_waited_for_while_probes_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut postgres = OwnPostgres::start(folder.path(), &[]).unwrap();
    postgres.stop(Stop::Fast).unwrap();
    let mut dataflow = Dataflow::new();
    dataflow.set("DATABASE_URL", &postgres.url());
    dataflow.set_file("DATABASE_PASSWORD_FILE", "p&ss w/rd");
    dataflow.start();

    let told = dataflow.until("/readyz", 503);
    assert!(told.starts_with("starting; store: "), "{told}");
    assert_eq!(dataflow.until("/livez", 200), "ok\n");
    let probe = dataflow.run(&["healthcheck"]);
    let why = text(&probe.stderr);
    assert!(!probe.status.success());
    assert!(why.starts_with("/readyz: 503 starting; store: "), "{why}");
    let report = dataflow.run(&["healthcheck", "--report"]);
    assert!(report.status.success(), "{}", text(&report.stderr));
    let told = text(&report.stdout);
    assert!(told.contains("\"status\":\"down\""), "{told}");

    postgres.start_again().unwrap();
    dataflow.until("/readyz", 200);
    assert!(dataflow.run(&["healthcheck"]).status.success());
    assert!(dataflow.log().contains("The database is waited for"));
    assert!(!dataflow.log().contains("p&ss"), "{}", dataflow.log());

    postgres.stop(Stop::Fast).unwrap();
    let told = dataflow.until("/readyz", 503);
    assert!(told.starts_with("down; postgres: "), "{told}");
    postgres.start_again().unwrap();
    dataflow.until("/readyz", 200);
}

#[test]
fn redis_and_neo4j_are_missed_but_not_needed() {
    let mut redis = Redis::start().unwrap();
    redis.stop().unwrap();
    let mut dataflow = Dataflow::new();
    dataflow.set("REDIS_URL", &redis.url());
    dataflow.set_file("REDIS_PASSWORD_FILE", Redis::PASSWORD);
    dataflow.set("NEO4J_URL", &format!("bolt://neo4j@{}", free()));
    dataflow.set_file("NEO4J_PASSWORD_FILE", "secret");
    dataflow.start();
    dataflow.until("/readyz", 200);
    let (status, body) = dataflow.ask("/health").unwrap();
    assert_eq!(status, 200);
    assert!(body.contains("\"status\":\"degraded\""), "{body}");
    for name in ["redis", "neo4j"] {
        let told = dataflow.dependency(name);
        assert_eq!(told["required"], false, "{told}");
        assert_eq!(told["status"], "down", "{told}");
        assert!(told["reason"].is_string(), "{told}");
        assert!(told["latency_us"].is_u64(), "{told}");
    }
    redis.start_again().unwrap();
    while dataflow.dependency("redis")["status"] != "ok" {}
    assert!(!dataflow.log().contains(Redis::PASSWORD));
}

#[test]
fn a_wrong_password_of_redis_is_told() {
    let redis = Redis::start().unwrap();
    let mut dataflow = Dataflow::new();
    dataflow.set("REDIS_URL", &redis.url());
    dataflow.set_file("REDIS_PASSWORD_FILE", "wrong");
    dataflow.start();
    dataflow.until("/readyz", 200);
    let told = dataflow.dependency("redis");
    assert_eq!(told["status"], "down");
    let reason = told["reason"].as_str().unwrap().to_lowercase();
    assert!(
        reason.contains("auth") || reason.contains("pass"),
        "{reason}"
    );
}

#[test]
fn settings_with_faults_end_it_with_all_of_them() {
    let mut dataflow = Dataflow::new();
    dataflow.set("REDIS_URL", "http://gantry:hidden@redis");
    dataflow.set("NEO4J_URL", "neo4j:hidden@neo4j");
    dataflow.set_file("ADMIN_KEY_FILE", "gk_hidden");
    let ended = dataflow.run(&[]);
    let told = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(64), "{told}");
    for name in ["REDIS_URL", "NEO4J_URL", "ADMIN_KEY_FILE"] {
        assert!(told.contains(&format!("GANTRY_DATAFLOW_{name}")), "{told}");
    }
    assert!(!told.contains("hidden"), "{told}");
    let ended = dataflow.run(&["seeed"]);
    assert_eq!(ended.status.code(), Some(64), "{}", text(&ended.stderr));
}
