//! Rows of data files become records: nothing dropped, nothing invented.

use std::fs;

use model::{Mistake, Model, Project, SeedRecord, Value};

use super::projects::folder;

const FILM: &str = "\
model: Film
fields:
  title: { type: text }
  released: { type: date }
  seen: { type: timestamp }
  gross: { type: int }
  rating: { type: decimal, max: 10 }
  tags: { type: text, array: true }
  kind: { type: text }
  director: { ref: Person }
";
const PERSON: &str =
    "model: Person\nfields: { name: { type: text, unique: true, required: true } }\n";

fn project(seed: &str, file: &str, data: &str) -> Result<(Project, Vec<SeedRecord>), Vec<Mistake>> {
    let folder = folder(&[
        ("models/film.yaml", FILM),
        ("models/person.yaml", PERSON),
        (
            "data/film.seed.yaml",
            &format!("seed: film\nfile: {file}\nmodel: Film\n{seed}"),
        ),
        (&format!("data/{file}"), data),
    ]);
    let project = Project::load(folder.path())?;
    let text = fs::read_to_string(folder.path().join(&project.seeds[0].file)).unwrap();
    let records = project.seeds[0].records(&text)?;
    Ok((project, records))
}

fn told(seed: &str, file: &str, data: &str) -> Vec<String> {
    let mistakes = project(seed, file, data).map(drop).unwrap_err();
    mistakes
        .iter()
        .map(|m| format!("{}:{}:{} {}", m.file.display(), m.line, m.column, m.message))
        .collect()
}

fn show(model: &Model, record: &SeedRecord) -> String {
    let text = |value: &Value| {
        let mut text = Vec::new();
        value.write_json(&mut text);
        String::from_utf8(text).unwrap()
    };
    let fields = record
        .fields
        .iter()
        .map(|(id, value)| format!("{}={}", model.field(*id).name, text(value)));
    let wanted = record.lookups.iter().map(|wanted| {
        format!(
            "{}<{}={}",
            model.field(wanted.field).name,
            wanted.target.field(wanted.by).name,
            text(&wanted.value)
        )
    });
    fields.chain(wanted).collect::<Vec<_>>().join(" ")
}

const MAPPING: &str = "\
fields:
  title: { from: Title }
  released: { from: Date, parse: ['%b %d %Y', '%Y'], null_if: ['n/a'] }
  rating: { from: R }
  kind: { value: 2 }
  director: { from: Director, lookup: Person.name, create: true }
ignore: [Note]
";

#[test]
fn rows_of_json_become_records() {
    let data = r#"{"Title": 1776, "Date": "Jun 12 1998", "R": 6.10, "Director": "Woody Allen", "Note": 1}

{"Title": null, "Date": "n/a", "R": "7", "Director": 300}
{"Title": "", "Date": "Dec 31 2046", "R": null, "Director": null}
"#;
    let (project, records) = project(MAPPING, "films.jsonl", data).unwrap();
    let film = project.models.get("Film").unwrap();
    let shown: Vec<_> = records
        .iter()
        .map(|record| format!("{}: {}", record.line, show(film, record)))
        .collect();
    assert_eq!(
        shown,
        [
            r#"1: title="1776" released="1998-06-12" rating="6.10" kind="2" director<name="Woody Allen""#,
            r#"3: title=null released=null rating="7" kind="2" director<name="300""#,
            r#"4: title="" released="2046-12-31" rating=null kind="2" director=null"#,
        ]
    );
    assert_eq!(records[0].id.get_version_num(), 8);
    assert_ne!(records[0].id, records[1].id);
}

#[test]
fn rows_of_csv_become_records() {
    let seed = "\
fields:
  title: { from: t }
  gross: { from: g }
  tags: { from: tags }
  seen: { from: seen, parse: '%Y-%m-%d %H:%M %z' }
";
    let data = "t,g,tags,seen\n\"\",9223372036854775807,\"[\"\"a\"\",\"\"b\"\"]\",2020-01-01 12:00 +0200\n,,,\n";
    let (project, records) = project(seed, "films.csv", data).unwrap();
    let film = project.models.get("Film").unwrap();
    assert_eq!(
        records
            .iter()
            .map(|record| show(film, record))
            .collect::<Vec<_>>(),
        [
            r#"title="" gross=9223372036854775807 tags=["a","b"] seen="2020-01-01T10:00:00Z""#,
            "title=null gross=null tags=null seen=null",
        ]
    );
}

#[test]
fn a_key_names_the_record_wherever_it_stands() {
    let seed = "key: [Code]\nfields: { title: { from: T } }\n";
    let (_, one) = project(
        seed,
        "a.jsonl",
        "{\"T\": \"x\", \"Code\": 1}\n{\"T\": \"y\", \"Code\": 2}",
    )
    .unwrap();
    let (_, two) = project(seed, "a.jsonl", "{\"T\": \"y\", \"Code\": 2}").unwrap();
    assert_eq!(one[1].id, two[0].id);
    assert_eq!(
        told(
            seed,
            "a.jsonl",
            "{\"T\": \"x\", \"Code\": 1}\n{\"T\": \"y\", \"Code\": 1}\n{\"T\": \"y\"}"
        ),
        [
            "data/a.jsonl:2:1 the row has the same id or key as line 1",
            "data/a.jsonl:3:1 `Code` is part of the key and is null"
        ]
    );
}

#[test]
fn rows_that_do_not_fit_are_told_by_line() {
    let data = r#"{"Title": "a", "Date": "12.6.98", "R": 11, "Director": null, "Extra": 1}
{"Title": {}, "Date": null
"#;
    assert_eq!(
        told(MAPPING, "films.jsonl", data)[1..],
        [
            "data/films.jsonl:1:35 rating is at most 10",
            "data/films.jsonl:1:62 the column `Extra` stands neither in fields nor in ignore",
            "data/films.jsonl:2:1 the line is no JSON object: EOF while parsing an object at line 1 column 26",
        ]
    );
    assert_eq!(
        told(
            "fields: { title: { from: Titel } }\nignore: [Title]",
            "a.jsonl",
            "{\"Title\": 1}"
        ),
        ["data/a.jsonl:1:1 no row has the column `Titel` that data/film.seed.yaml names"]
    );
}

#[test]
fn seed_files_are_refused_with_a_reason() {
    for (seed, expected) in [
        (
            "fields: { titel: { from: a } }",
            "Film has no field `titel`",
        ),
        (
            "fields: { created_at: { from: a } }",
            "`created_at` is written by the platform",
        ),
        (
            "fields: { title: { from: a, value: b } }",
            "`title` has both `from` and `value`",
        ),
        (
            "fields: { title: {} }",
            "`title` has neither `from` nor `value`",
        ),
        (
            "fields: { title: { from: a, parse: '%Y' } }",
            "`parse` is for dates and times, and title is text",
        ),
        (
            "fields: { title: { from: a, lookup: Person.name } }",
            "`lookup` is for refs, and title is text",
        ),
        (
            "fields: { title: { from: a, create: true } }",
            "`create` needs a `lookup`",
        ),
        (
            "fields: { gross: { value: many } }",
            "the value does not fit: gross must be a whole number, not `many`",
        ),
        (
            "fields: { director: { from: a, lookup: name } }",
            "a lookup names a model and its field",
        ),
        (
            "fields: { director: { from: a, lookup: Film.title } }",
            "director points to Person, not to Film",
        ),
        (
            "fields: { director: { from: a, lookup: Person.nam } }",
            "Person has no field `nam`",
        ),
        (
            "fields: { title: { from: a } }\nafter: [person]",
            "there is no seed `person`",
        ),
        (
            "fields: { title: { from: a } }\nafter: [film]",
            "seeds wait for each other by `after`: film",
        ),
        ("fields: { title: a }", "`title` must be a map, not `a`"),
    ] {
        let told = told(seed, "a.csv", "a\n");
        assert!(
            told.len() == 1 && told[0].ends_with(expected),
            "{seed}: {told:?}"
        );
    }
    assert!(
        told(
            "fields: { released: { from: a, parse: '%!' } }",
            "a.csv",
            "a\n"
        )[0]
        .contains("`%!` is no format")
    );
}

#[test]
fn seeds_come_in_the_order_in_which_they_are_loaded() {
    let seed = |name: &str, after: &str| {
        format!(
            "seed: {name}\nfile: a.csv\nmodel: Film\nfields: {{ title: {{ from: a }} }}\n{after}"
        )
    };
    let folder = folder(&[
        ("models/film.yaml", FILM),
        ("models/person.yaml", PERSON),
        ("data/a.csv", "a\nx\n"),
        ("data/1.seed.yaml", &seed("first", "after: [third]")),
        ("data/2.seed.yaml", &seed("second", "")),
        ("data/3.seed.yaml", &seed("third", "after: [second]")),
    ]);
    let project = Project::load(folder.path()).unwrap();
    let names: Vec<_> = project
        .seeds
        .iter()
        .map(|seed| seed.name.as_str())
        .collect();
    assert_eq!(names, ["second", "third", "first"]);
}
