//! The films of `examples/cinema`: every value of every source line can be read back.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use testkit::on_both_engines;

use crate::{Ran, gantry};

/// Each key of the source, and the field that holds it.
const KEYS: [(&str, &str); 16] = [
    ("Title", "title"),
    ("US Gross", "us_gross"),
    ("Worldwide Gross", "worldwide_gross"),
    ("US DVD Sales", "us_dvd_sales"),
    ("Production Budget", "production_budget"),
    ("Release Date", "released"),
    ("MPAA Rating", "mpaa_rating"),
    ("Running Time min", "running_time"),
    ("Distributor", "distributor"),
    ("Source", "source"),
    ("Major Genre", "genre"),
    ("Creative Type", "creative_type"),
    ("Director", "director"),
    ("Rotten Tomatoes Rating", "rotten_tomatoes"),
    ("IMDB Rating", "imdb_rating"),
    ("IMDB Votes", "imdb_votes"),
];

/// A copy of the example without the database that `gantry up` may have left in it.
fn copy_of_the_example() -> tempfile::TempDir {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/cinema");
    let copy = tempfile::tempdir().unwrap();
    for folder in ["", "models", "groups", "data"] {
        let target = copy.path().join(folder);
        fs::create_dir_all(&target).unwrap();
        for entry in fs::read_dir(source.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, target.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    copy
}

/// Every film, page by page, with director and genre by their names.
fn all_films(run: &dyn Fn(&[&str]) -> Ran) -> Vec<Map<String, Value>> {
    let mut films = Vec::new();
    loop {
        let input = json!({
            "select": ["*", "director(name)", "genre(name)"],
            "order": ["id"], "limit": 1000, "offset": films.len(),
        });
        let page = run(&[
            "call",
            "Film.list",
            "--json",
            &input.to_string(),
            "--output",
            "json",
        ]);
        let Value::Array(page) = page.json() else {
            panic!("a list is an array")
        };
        let full = page.len() == 1000;
        films.extend(
            page.into_iter()
                .map(|film| film.as_object().unwrap().clone()),
        );
        if !full {
            return films;
        }
    }
}

/// What the field must hold for the source to be told from it.
fn expected(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("Title" | "IMDB Rating", Value::Number(number)) => json!(number.to_string()),
        ("Release Date", Value::String(text)) => json!(iso_date(text)),
        (_, other) => other.clone(),
    }
}

/// `Jun 12 1998` → `1998-06-12`.
fn iso_date(text: &str) -> String {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let parts: Vec<&str> = text.split(' ').collect();
    let month = MONTHS.find(parts[0]).unwrap() / 3 + 1;
    let day: u8 = parts[1].parse().unwrap();
    format!("{}-{month:02}-{day:02}", parts[2])
}

fn field<'a>(film: &'a Map<String, Value>, name: &str) -> &'a Value {
    let value = &film[name];
    match name {
        "director" | "genre" => value.get("name").unwrap_or(value),
        _ => value,
    }
}

fn source_lines(folder: &Path) -> Vec<Map<String, Value>> {
    let text = fs::read_to_string(folder.join("data/films.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn nothing_is_dropped_and_nothing_invented() {
    let example = copy_of_the_example();
    let lines = source_lines(example.path());
    assert_eq!(lines.len(), 3201);
    on_both_engines(async |database| {
        let (path, url) = (example.path().to_str().unwrap(), database.location_url());
        let run = |args: &[&str]| gantry(&[args, &["-C", path, "--database-url", &url]].concat());
        let report = run(&["seed", "--output", "json"]).json();
        assert_eq!(report["failed"], json!([]), "{report}");

        let films = all_films(&run);
        assert_eq!(films.len(), lines.len());
        let key = |title: &Value, released: &Value| format!("{title} {released}");
        let by_title: HashMap<String, &Map<String, Value>> = films
            .iter()
            .map(|film| (key(&film["title"], &film["released"]), film))
            .collect();
        for (index, line) in lines.iter().enumerate() {
            assert_eq!(line.len(), KEYS.len(), "line {}", index + 1);
            let title = expected("Title", &line["Title"]);
            let released = expected("Release Date", &line["Release Date"]);
            let film = by_title[&key(&title, &released)];
            for (key, name) in KEYS {
                assert_eq!(
                    field(film, name),
                    &expected(key, &line[key]),
                    "{key} of line {}",
                    index + 1
                );
            }
        }

        let people = directors(&lines);
        let count = run(&["call", "Person.count", "--output", "json"]).json();
        assert_eq!(
            count["count"], people,
            "one person for each name, and no more"
        );
    })
    .await;
}

fn directors(lines: &[Map<String, Value>]) -> usize {
    let names = lines.iter().filter_map(|line| line["Director"].as_str());
    names.collect::<std::collections::HashSet<_>>().len()
}
