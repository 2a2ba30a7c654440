//! Requests made from the served OpenAPI document, valid and invalid ones: the server refuses exactly what the document
//! forbids, answers as it promises, and never with a fault of its own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::Gantry;
use serde_json::Value;
use testkit::Engine;

use crate::place::{self, Place};

/// Seconds that the requests of one caller over one engine may take, and the least number that must be made in them;
/// `cargo xtask schemathesis` names others.
const SECONDS: u64 = 40;
const CASES: u64 = 150;
/// The same requests each time, so that a test that fails fails again; `cargo xtask schemathesis` takes another.
const SEED: u64 = 20_261_129;

#[tokio::test]
async fn the_document_and_the_server_agree_over_sqlite() {
    place::on(Engine::Sqlite, agree).await;
}

#[tokio::test]
async fn the_document_and_the_server_agree_over_postgresql() {
    place::on(Engine::Postgres, agree).await;
}

fn agree(place: &Place) {
    e2e::copy(&fixture().join("project"), &place.project).unwrap();
    let url = ["--database-url", &place.url];
    let (gantry, key) = Gantry::guarded(&place.project, &url).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for key in [Some(key.as_str()), None] {
        let report = run(&gantry, key, folder.path());
        let cases = report["test_cases"]["generated"].as_u64().unwrap();
        let who = if key.is_some() { "admin" } else { "anonymous" };
        // Not `println!`: the count is to be seen where the test passes, too.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "{}, {who}: {cases} requests", place.engine).unwrap();
        let least = number("GANTRY_SCHEMATHESIS_CASES", CASES);
        assert!(
            cases >= least,
            "{}, {who}: only {cases} of {least} requests",
            place.engine
        );
    }
    assert!(!gantry.log().contains("panicked"), "{}", gantry.log());
}

/// Configuration, hooks and a project with every type of field.
fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemathesis")
}

/// Its report; what it found fails the test in its own words.
#[expect(
    clippy::disallowed_methods,
    reason = "the requests are made by a program"
)]
fn run(gantry: &Gantry, key: Option<&str>, folder: &Path) -> Value {
    let program = fixture().join("../../target/testkit/schemathesis/bin/st");
    assert!(
        program.exists(),
        "{} is missing: `cargo xtask schemathesis` and `cargo xtask test` install it",
        program.display()
    );
    let report = folder.join("report.json");
    let seconds = number("GANTRY_SCHEMATHESIS_SECONDS", SECONDS).to_string();
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env("SCHEMATHESIS_HOOKS", fixture().join("hooks.py"))
        .arg("--config-file")
        .arg(fixture().join("schemathesis.toml"))
        .arg("run")
        .arg(format!("http://127.0.0.1:{}/openapi.json", gantry.port))
        .args(["--continue-on-failure", "--no-color", "--workers=2"])
        .args([
            "--seed",
            &number("GANTRY_SCHEMATHESIS_SEED", SEED).to_string(),
        ])
        .args([
            "--max-time",
            &seconds,
            "--report=json",
            "--report-json-path",
        ])
        .arg(&report)
        .stdin(Stdio::null());
    if let Some(key) = key {
        command
            .arg("--header")
            .arg(format!("Authorization: Bearer {key}"));
        // `gk_` and twelve characters that name the key.
        command.env("GANTRY_KEY_ID", key.get(3..15).unwrap_or_default());
    }
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{wrong}");
    serde_json::from_slice(&fs::read(&report).unwrap()).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests read their own variables; no service does"
)]
fn number(name: &str, otherwise: u64) -> u64 {
    let told = std::env::var(name).ok();
    told.map_or(otherwise, |text| text.parse().unwrap())
}
