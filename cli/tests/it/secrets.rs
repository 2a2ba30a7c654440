//! `gantry secrets` and `gantry render`, which need no Docker.

use std::fs;

use crate::gantry;
use crate::wrong_turns::project;

#[test]
fn secrets_are_made_once_and_never_shown() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    let ran = gantry(&["secrets", "init", "-C", path]).without(folder.path());
    insta::assert_snapshot!(ran.stdout);
    let dotenv = fs::read_to_string(folder.path().join(".env")).unwrap();
    assert!(
        dotenv.contains("GANTRY_SECRETS=./.gantry/secrets\n"),
        "{dotenv}"
    );
    let again = gantry(&["secrets", "init", "-C", path, "--output", "json"]).json();
    assert_eq!(again["made"], serde_json::json!([]));
    let rotate = ["secrets", "rotate", "redis_password", "-C", path];
    insta::assert_snapshot!(gantry(&rotate).without(folder.path()));
    let secrets = folder.path().join(".gantry/secrets");
    for name in [
        "redis_password",
        "redis_password.old",
        "admin_key",
        "postgres_password",
    ] {
        let value = fs::read_to_string(secrets.join(name)).unwrap();
        let told = gantry(&rotate);
        let told = format!("{}{}", told.stdout, told.stderr);
        assert!(!told.contains(&value), "{name}");
    }
    let ignored = fs::read_to_string(folder.path().join(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "/.gantry/"));
}

#[test]
fn an_unknown_secret_and_a_foreign_env_file_are_told() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    fs::write(folder.path().join(".env"), "MINE=1\n").unwrap();
    let ran = gantry(&["secrets", "init", "-C", path]).without(folder.path());
    insta::assert_snapshot!(ran.stderr);
    let ran = gantry(&["secrets", "rotate", "admin", "-C", path]);
    insta::assert_snapshot!(ran);
}

#[test]
fn files_are_written_and_not_over_changed_ones() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    insta::assert_snapshot!(gantry(&["render", "compose", path]).without(folder.path()));
    fs::write(folder.path().join("compose.yaml"), "mine").unwrap();
    insta::assert_snapshot!(gantry(&["render", "compose", path]).without(folder.path()));
    let kept = fs::read_to_string(folder.path().join("compose.yaml")).unwrap();
    assert_eq!(kept, "mine");
    gantry(&["render", "compose", path, "--force"]).ok();
}
