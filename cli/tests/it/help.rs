//! The help of every verb, word for word, and that each shows how it is used.

use crate::gantry;

const PAGES: [&[&str]; 47] = [
    &[],
    &["init"],
    &["up"],
    &["down"],
    &["ps"],
    &["health"],
    &["validate"],
    &["seed"],
    &["call"],
    &["changes"],
    &["workflows"],
    &["run"],
    &["runs"],
    &["runs", "list"],
    &["runs", "show"],
    &["runs", "watch"],
    &["runs", "cancel"],
    &["runs", "retry"],
    &["runs", "replay"],
    &["runs", "approve"],
    &["runs", "refuse"],
    &["signal"],
    &["sessions"],
    &["sessions", "open"],
    &["sessions", "list"],
    &["sessions", "show"],
    &["sessions", "set"],
    &["sessions", "close"],
    &["models"],
    &["migrate"],
    &["migrate", "plan"],
    &["migrate", "apply"],
    &["migrate", "status"],
    &["migrate", "rollback"],
    &["migrate", "purge"],
    &["keys"],
    &["keys", "create"],
    &["keys", "list"],
    &["keys", "revoke"],
    &["secrets"],
    &["secrets", "init"],
    &["secrets", "rotate"],
    &["lint"],
    &["render"],
    &["render", "compose"],
    &["schema"],
    &["completions"],
];

#[test]
fn every_verb_explains_itself() {
    for page in PAGES {
        let args = [page, &["--help"]].concat();
        let text = gantry(&args).ok();
        assert!(text.contains("Examples:\n  "), "{args:?}");
        assert!(!text.contains('\x1b'), "no colour in a pipe: {args:?}");
        let name = if page.is_empty() {
            "gantry".to_owned()
        } else {
            page.join("-")
        };
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn the_version_is_told_to_people_and_programs() {
    assert_eq!(
        gantry(&["version"]).ok(),
        format!("gantry {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        gantry(&["--output", "json", "version"]).json()["name"],
        "gantry"
    );
}

#[test]
fn shells_get_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = gantry(&["completions", shell]).ok();
        assert!(script.contains("validate"), "{shell}");
    }
}
