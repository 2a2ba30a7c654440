//! From nothing to records: init, validate, seed, call.

use testkit::{Database, on_both_engines};

use crate::wrong_turns::project;
use crate::{Ran, gantry};

struct Project {
    folder: tempfile::TempDir,
    url: String,
}

impl Project {
    fn on(database: &Database) -> Self {
        Self {
            folder: project(),
            url: database.location_url(),
        }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let path = self.folder.path().to_str().unwrap();
        gantry(&[args, &["-C", path, "--database-url", &self.url]].concat())
    }
}

fn counts(report: &serde_json::Value) -> Vec<(String, [u64; 4])> {
    let models = report["models"].as_array().unwrap().iter().map(|model| {
        let n = |key: &str| model[key].as_u64().unwrap();
        let numbers = [n("created"), n("updated"), n("unchanged"), n("failed")];
        (model["model"].as_str().unwrap().to_owned(), numbers)
    });
    models.collect()
}

#[tokio::test]
async fn a_new_project_validates_seeds_and_answers() {
    on_both_engines(async |database| {
        let project = Project::on(&database);
        let path = project.folder.path().to_str().unwrap();
        gantry(&["validate", path]).ok();

        let first = project.run(&["seed", "--output", "json"]).json();
        assert_eq!(
            counts(&first),
            [
                ("Author".to_owned(), [6, 0, 0, 0]),
                ("Book".to_owned(), [8, 0, 0, 0])
            ],
            "{first}"
        );
        let again = project.run(&["seed", "--output", "json"]).json();
        assert_eq!(
            counts(&again),
            [
                ("Author".to_owned(), [0, 0, 5, 0]),
                ("Book".to_owned(), [0, 0, 8, 0])
            ],
            "{again}"
        );

        let args = [
            "call",
            "Book.list",
            "-f",
            "published=lt.1850",
            "-f",
            "order=title",
        ];
        let with = ["-f", "select=title,author(name),price"];
        let books = project
            .run(&[&args[..], &with, &["--output", "json"]].concat())
            .json();
        assert_eq!(
            books,
            serde_json::json!([
                {"title": "Emma", "author": {"name": "Jane Austen"}, "price": "8.50"},
                {"title": "Frankenstein", "author": {"name": "Mary Shelley"}, "price": "7.90"},
                {"title": "Persuasion", "author": {"name": "Jane Austen"}, "price": "6.90"},
            ])
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    on_both_engines(async |database| {
        let project = Project::on(&database);
        project.run(&["seed"]).ok();
        let all = ["call", "Author.list", "-f", "limit=all", "-f", "order=name"];
        let list = |accept| {
            let with = ["-f", "select=id,name", "--accept", accept];
            project.run(&[&all[..], &with].concat()).ok()
        };
        for (accept, ending) in [("ndjson", "jsonl"), ("csv", "csv")] {
            let exported = list(accept);
            let file = project.folder.path().join(format!("authors.{ending}"));
            std::fs::write(&file, &exported).unwrap();
            let file = file.to_str().unwrap();
            let args = ["call", "Author.bulk_upsert", "-f", "on=id", "--input", file];
            let imported = project.run(&args);
            assert!(imported.stderr.contains("6 changed"), "{imported}");
            assert_eq!(imported.ok(), "");
            assert_eq!(list(accept), exported);
        }
        let wrong = project.run(&["call", "Author.bulk_create", "--input", "authors.json"]);
        assert_eq!(wrong.code, 2, "{wrong}");
    })
    .await;
}

#[tokio::test]
async fn a_session_is_opened_changed_shown_and_closed() {
    on_both_engines(async |database| {
        let project = Project::on(&database);
        let sessions = |args: &[&str]| project.run(&[&["sessions"], args].concat());
        // The handle alone is on standard output, for a shell to take.
        let opened = sessions(&["open", "--ttl", "2h"]).ok();
        let id = opened.trim_end();
        assert_eq!(id.len(), 22, "{opened}");
        sessions(&["set", id, "film=Alien", "stars=5", "seat={\"row\": 4}"]).ok();
        let set = sessions(&["set", id, "stars=null", "year=1979", "note=a=b"]);
        let state = r#"{"film":"Alien","seat":{"row":4},"year":1979,"note":"a=b"}"#;
        assert_eq!(set.ok(), format!("{state}\n"));
        let shown = sessions(&["show", id, "--output", "json"]).json();
        assert_eq!(shown["state"].to_string(), sorted(state));
        let listed = sessions(&["list", "--output", "json"]).json();
        assert_eq!(listed[0]["id"], id);
        assert!(sessions(&["list"]).ok().contains(id));
        sessions(&["close", id]).ok();
        let gone = sessions(&["show", id]);
        assert_eq!(gone.code, 4, "{gone}");
        assert!(gone.stderr.contains("there is no such session"), "{gone}");
    })
    .await;
}

fn sorted(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    value.to_string()
}
