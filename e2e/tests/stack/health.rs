//! `/health` cascades: what is away is named from the face on, and what returns is seen without help.

use e2e::engine::{docker, until};
use serde_json::Value;

use crate::prod;

const FACES: [&str; 3] = ["api", "mcp", "nexus"];

/// The status of the whole, and of one dependency of dataflow, as a face tells them.
fn told(face: &str, dependency: &str) -> Option<(String, String)> {
    let report = prod().health(face)?;
    let dataflow = &report["dependencies"][0]["report"];
    let found = dataflow["dependencies"].as_array()?;
    let found = found.iter().find(|one| one["name"] == dependency)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some((text(&report["status"])?, text(&found["status"])?))
}

/// Whether every face tells so of the whole and of the dependency.
fn all_tell(dependency: &str, whole: &str, part: &str) -> Option<()> {
    let expected = Some((whole.to_owned(), part.to_owned()));
    let tells = |face: &str| told(face, dependency) == expected;
    FACES.into_iter().all(tells).then_some(())
}

/// Takes it away in one way, sees it told, brings it back in the other, and sees that told.
fn away_and_back(service: &str, away: &str, back: &str, whole: &str) {
    let container = prod().containers(service).remove(0);
    let well = || all_tell(service, "ok", "ok");
    until(&format!("{service} is well"), well);
    docker([away, &container]).unwrap();
    until(
        &format!("{service} is told to be away after {away}"),
        || all_tell(service, whole, "down"),
    );
    if whole == "degraded" {
        let films = prod().get("/api/v1/film?limit=1");
        assert_eq!(
            films.status, 200,
            "without {service} the records are served"
        );
    }
    docker([back, &container]).unwrap();
    until(&format!("{service} is well again after {back}"), well);
}

#[test]
fn without_redis_or_neo4j_it_is_degraded_and_serves() {
    for service in ["redis", "neo4j"] {
        away_and_back(service, "pause", "unpause", "degraded");
        away_and_back(service, "stop", "start", "degraded");
    }
}

#[test]
fn without_the_database_it_is_down_and_comes_back_alone() {
    away_and_back("postgres", "pause", "unpause", "down");
    away_and_back("postgres", "stop", "start", "down");
}

#[test]
fn without_dataflow_a_face_is_down_and_lives() {
    let stack = prod();
    let replicas = stack.containers("dataflow");
    for replica in &replicas {
        docker(["stop", replica]).unwrap();
    }
    for face in FACES {
        until(&format!("{face} tells that dataflow is away"), || {
            (stack.health(face)?["status"] == "down").then_some(())
        });
        let living = stack.containers(face).len();
        assert_eq!(living, 2, "{face} outlives what it needs");
    }
    for replica in &replicas {
        docker(["start", replica]).unwrap();
    }
    for face in FACES {
        until(&format!("{face} is well again"), || {
            (stack.health(face)?["status"] == "ok").then_some(())
        });
    }
}
