//! The example as a person runs it: the films are there, and its OpenAPI document satisfies a validator.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{Gantry, request};

const FILMS: u64 = 3201;

#[test]
fn the_films_are_served_and_described() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("cinema");
    // A copy, so that the database does not land in the checkout.
    e2e::copy(&checkout().join("examples/cinema"), &project).unwrap();
    let gantry = Gantry::up(&project, &[]).unwrap();

    let count = request(gantry.port, "GET", "/api/v1/film:count", &[], None).unwrap();
    assert_eq!(count.json().unwrap()["count"], FILMS, "{}", gantry.log());
    let query = "/api/v1/film?title=eq.Jaws&select=title,us_gross,director(name)";
    let jaws = request(gantry.port, "GET", query, &[], None).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&jaws.body),
        r#"[{"title":"Jaws","us_gross":260000000,"director":{"name":"Steven Spielberg"}}]"#
    );

    let document = request(gantry.port, "GET", "/openapi.json", &[], None).unwrap();
    assert_eq!(document.status, 200);
    let file = folder.path().join("openapi.json");
    fs::write(&file, &document.body).unwrap();
    validate(&file);

    let status = gantry.terminate().unwrap();
    assert!(status.success(), "after SIGTERM it ended with {status}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the validator is a program of others"
)]
fn validate(document: &Path) {
    let python = checkout().join("target/testkit/venv/bin/python");
    assert!(
        python.exists(),
        "the OpenAPI validator is not installed: `cargo xtask test` puts it into {}",
        python.display()
    );
    let output = Command::new(python)
        .args(["-m", "openapi_spec_validator", "--schema", "3.1"])
        .arg(document)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}
