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

#[test]
fn a_migration_that_loses_data_waits_for_leave() {
    let folder = project();
    in_project(&folder, &["seed"]).ok();
    for file in ["models/book.yaml", "data/books.seed.yaml"] {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let kept = text.lines().filter(|line| !line.contains("price:"));
        fs::write(&path, kept.collect::<Vec<_>>().join("\n")).unwrap();
    }
    insta::assert_snapshot!(in_project(&folder, &["migrate", "apply"]));
    in_project(&folder, &["migrate", "apply", "--allow-destructive"]).ok();
    assert!(in_project(&folder, &["migrate", "plan"]).ok().is_empty());
    in_project(&folder, &["migrate", "rollback"]).ok();
    let status = in_project(&folder, &["migrate", "status", "--output", "json"]).json();
    assert_eq!(status["applied"][1]["state"], "rolled_back", "{status}");
    assert_eq!(
        status["pending"]["steps"][0]["destructive"]["rows"], 7,
        "{status}"
    );
    in_project(&folder, &["migrate", "apply", "--allow-destructive"]).ok();
    let purge = ["migrate", "purge", "--before", "9", "--output", "json"];
    for expected in [true, false] {
        let purged = in_project(&folder, &purge).json();
        let is_any = !purged["purged"].as_array().unwrap().is_empty();
        assert_eq!(is_any, expected, "{purged}");
    }
}

#[test]
fn a_row_that_does_not_fit_is_shown_in_its_file() {
    let folder = project();
    let file = folder.path().join("data/authors.csv");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + "Nobody,long ago\n").unwrap();
    insta::assert_snapshot!(in_project(&folder, &["seed"]));
    let count = in_project(&folder, &["call", "Author.count", "--output", "json"]).json();
    assert_eq!(count["count"], 0, "nothing is loaded where a row is wrong");

    // One that only the store can refuse: the others are loaded.
    fs::write(&file, "name,born\nMary Shelley,1797\n").unwrap();
    in_project(&folder, &["seed", "authors"]).ok();
    fs::write(&file, "name,born\nA,1\nMary Shelley,1\n").unwrap();
    let seed = folder.path().join("data/authors.seed.yaml");
    let text = fs::read_to_string(&seed).unwrap();
    fs::write(&seed, text.replace("seed: authors", "seed: others")).unwrap();
    let books = folder.path().join("data/books.seed.yaml");
    let text = fs::read_to_string(&books).unwrap();
    fs::write(&books, text.replace("[authors]", "[others]")).unwrap();
    insta::assert_snapshot!(in_project(&folder, &["seed", "others"]));
}
