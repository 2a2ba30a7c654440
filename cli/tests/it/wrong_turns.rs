//! What people do wrong, and how they are shown the way.

use std::fs;
use std::net::TcpListener;

use crate::{Ran, gantry};

/// A new project from the template.
pub(crate) fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    gantry(&["init", folder.path().to_str().unwrap()]).ok();
    folder
}

fn in_project(folder: &tempfile::TempDir, args: &[&str]) -> Ran {
    let path = folder.path().to_str().unwrap();
    gantry(&[args, &["-C", path]].concat()).without(folder.path())
}

#[test]
fn a_misspelt_verb_gets_the_nearest() {
    insta::assert_snapshot!(gantry(&["validat"]));
}

#[test]
fn a_folder_that_is_not_there_or_no_project() {
    insta::assert_snapshot!(gantry(&["validate", "no/such/folder"]));
    let empty = tempfile::tempdir().unwrap();
    let path = empty.path().to_str().unwrap();
    insta::assert_snapshot!(gantry(&["up", path]).without(empty.path()));
}

#[test]
fn init_overwrites_nothing() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    fs::write(folder.path().join("README.md"), "mine").unwrap();
    insta::assert_snapshot!(gantry(&["init", path]).without(folder.path()));
    let kept = fs::read_to_string(folder.path().join("README.md")).unwrap();
    assert_eq!(kept, "mine");
}

#[test]
fn an_unknown_model_gets_the_nearest() {
    let folder = project();
    insta::assert_snapshot!(in_project(&folder, &["models", "Bok"]));
    insta::assert_snapshot!(in_project(&folder, &["call", "Bok.list"]));
    insta::assert_snapshot!(in_project(&folder, &["call", "Book.lst"]));
}

#[test]
fn a_bad_argument_is_named() {
    let folder = project();
    insta::assert_snapshot!(in_project(
        &folder,
        &["call", "Book.list", "-f", "titel=eq.Emma"]
    ));
    insta::assert_snapshot!(in_project(
        &folder,
        &["call", "Book.create", "--json", "{\"titel\": 1}"]
    ));
    insta::assert_snapshot!(in_project(&folder, &["call", "Book.create", "--json", "{"]));
}

#[test]
fn programs_get_problems_as_json() {
    let folder = project();
    let ran = in_project(&folder, &["call", "Book.lst", "--output", "json"]);
    let problem: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(
        (ran.code, &problem["code"]),
        (4, &"no_such_node".into()),
        "{ran}"
    );
}

#[test]
fn a_busy_port_is_named_with_a_way_out() {
    let folder = project();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let path = folder.path().to_str().unwrap();
    let ran = gantry(&[
        "up",
        path,
        "--listen",
        &address,
        "--ops-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(ran.code, 7, "{ran}");
    assert!(
        ran.stderr.contains(&address) && ran.stderr.contains("--listen"),
        "{ran}"
    );
}

#[test]
fn open_means_loopback() {
    let folder = project();
    let path = folder.path().to_str().unwrap();
    let args = [
        "up",
        path,
        "--open",
        "--listen",
        "0.0.0.0:0",
        "--ops-listen",
        "127.0.0.1:0",
    ];
    insta::assert_snapshot!(gantry(&args));
}

#[test]
fn mistakes_are_told_all_at_once() {
    let folder = project();
    fs::write(
        folder.path().join("models/book.yaml"),
        "model: Book\nfields:\n  title: { type: txt }\n  author: { ref: Autor }\n  pages: { type: int, requird: true }\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("models/shelf.yaml"),
        "model: shelf\nfields:\n  id: { type: text }\n",
    )
    .unwrap();
    let path = folder.path().to_str().unwrap();
    insta::assert_snapshot!(gantry(&["validate", path]).without(folder.path()));
    let ran = gantry(&["validate", path, "--output", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(ran.code, 3);
    assert!(told["mistakes"].as_array().unwrap().len() >= 5, "{told}");
}
