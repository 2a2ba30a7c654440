//! What people see who made a mistake in a file.

use std::path::PathBuf;

use model::{Mistake, Models, load_models};

pub(crate) fn load(files: &[(&str, &str)]) -> Result<Models, Vec<Mistake>> {
    let sources: Vec<_> = files
        .iter()
        .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
        .collect();
    load_models(&sources)
}

fn told(files: &[(&str, &str)]) -> String {
    let mistakes = load(files).expect_err("the files have mistakes");
    mistakes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn all_mistakes_of_all_files_come_at_once() {
    let film = "\
model: Film
fields:
  title: { type: txt, requird: true }
  released: date
  genre: { ref: Gener }
  order: { type: int, about: First, second. }
  rating: { type: decimal, min: 10, max: 0 }
unique: [[titel]]
acess: []
";
    let genre = "\
model: Genre
fields:
  name: { type: text, unique: yes }
  name: { type: int }
";
    insta::assert_snapshot!(told(&[("models/genre.yaml", genre), ("models/film.yaml", film)]), @r#"
    models/film.yaml:3:18: `type` must be one of text, int, float, decimal, bool, uuid, date, time, timestamp, json, bytes, enum, vector, not `txt`
       |
     3 |   title: { type: txt, requird: true }
       |                  ^^^ did you mean `text`?
    models/film.yaml:3:23: `requird` is no key of `title`
       |
     3 |   title: { type: txt, requird: true }
       |                       ^^^^^^^ did you mean `required`?
    models/film.yaml:4:13: `released` must be a map, not `date`
       |
     4 |   released: date
       |             ^^^^ write it as { type: text } or { ref: Person }
    models/film.yaml:5:17: there is no model `Gener`
       |
     5 |   genre: { ref: Gener }
       |                 ^^^^^ did you mean `Genre`?
    models/film.yaml:6:3: `order` is a parameter of queries, so it cannot be a field
       |
     6 |   order: { type: int, about: First, second. }
       |   ^^^^^ call it something like `purchase`
    models/film.yaml:6:37: `second.` is no key of `order`
       |
     6 |   order: { type: int, about: First, second. }
       |                                     ^^^^^^^ known here: type, ref, about, required, unique, index, search, array, collate, default, min, max, values, precision, scale, dim, metric, on_delete, was
    models/film.yaml:7:42: `max` is less than `min`
       |
     7 |   rating: { type: decimal, min: 10, max: 0 }
       |                                          ^
    models/film.yaml:8:11: Film has no field `titel`
       |
     8 | unique: [[titel]]
       |           ^^^^^ did you mean `title`?
    models/film.yaml:9:1: `acess` is no key of `model`
       |
     9 | acess: []
       | ^^^^^ did you mean `access`?
    models/genre.yaml:3:31: `unique` must be true or false, not `yes`
       |
     3 |   name: { type: text, unique: yes }
       |                               ^^^
    models/genre.yaml:4:3: `name` stands twice, first in line 3
       |
     4 |   name: { type: int }
       |   ^^^^
    "#);
}

/// Each field, put into a model of its own, and the message it gets.
#[test]
fn fields_are_refused_with_a_reason() {
    for (field, expected) in [
        (
            "id: { type: uuid }",
            "`id` is a column that the platform writes",
        ),
        (
            "created_at: { type: date }",
            "`created_at` is a column that the platform writes",
        ),
        (
            "select: { type: text }",
            "`select` is a parameter of queries, so it cannot be a field",
        ),
        (
            "birthDate: { type: date }",
            "a field's name is lower case with underscores, as in birth_date, not `birthDate`",
        ),
        (
            "a: { type: text, ref: Film }",
            "a field has a type or a ref, not both",
        ),
        ("a: { about: x }", "`a` has no type"),
        ("a: { type: enum }", "the enum `a` has no values"),
        ("a: { type: enum, values: [] }", "`values` is an empty list"),
        (
            "a: { type: enum, values: [x, x] }",
            "the value `x` stands twice",
        ),
        ("a: { type: vector }", "the vector `a` has no dim"),
        (
            "a: { type: vector, dim: 16001 }",
            "`dim` must be a whole number from 1 to 16000, not `16001`",
        ),
        (
            "a: { type: vector, dim: 3, index: true }",
            "vector cannot have `index`: it has no order",
        ),
        (
            "a: { type: json, unique: true }",
            "json cannot have `unique`: it has no order",
        ),
        (
            "a: { type: json, array: true }",
            "there are no lists of json",
        ),
        (
            "a: { type: int, search: true }",
            "`search` is for text only, not for int",
        ),
        (
            "a: { type: int, collate: nocase }",
            "`collate` is for text only, not for int",
        ),
        (
            "a: { type: text, precision: 3 }",
            "`precision` is for decimal only, not for text",
        ),
        (
            "a: { type: decimal, scale: 3 }",
            "a scale needs a precision that is not less",
        ),
        ("a: { type: bool, min: 0 }", "bool has no `min`"),
        (
            "a: { type: text, max: long }",
            "`max` of text counts its length: a whole number",
        ),
        (
            "a: { type: date, min: yesterday }",
            "`min` does not fit: a must be a date like 1998-06-12, not `yesterday`",
        ),
        (
            "a: { type: int, min: 3, max: 2 }",
            "`max` is less than `min`",
        ),
        (
            "a: { type: int, default: many }",
            "the default does not fit: a must be a whole number, not `many`",
        ),
        (
            "a: { type: int, max: 3, default: 4 }",
            "the default does not fit: a is at most 3",
        ),
        (
            "a: { type: int, default: ~ }",
            "a default of null says nothing",
        ),
        (
            "a: { ref: Film, required: true, on_delete: set_null }",
            "a required ref cannot be set to null",
        ),
        (
            "a: { type: text, on_delete: cascade }",
            "`on_delete` is for ref only, not for text",
        ),
        (
            "a: { type: text, was: a }",
            "`a` is the name of a field that there is now",
        ),
        (
            "a: { type: text, required: 1 }",
            "`required` must be true or false, not `1`",
        ),
        ("a: text", "`a` must be a map, not `text`"),
    ] {
        let text = format!("model: Film\nfields:\n  {field}\n");
        let mistakes = load(&[("models/film.yaml", &text)]).expect_err(field);
        let messages: Vec<_> = mistakes
            .iter()
            .map(|mistake| mistake.message.as_str())
            .collect();
        assert_eq!(messages, [expected], "{field}");
        assert_eq!(mistakes[0].line, 3, "{field}");
    }
}

#[test]
fn models_are_refused_with_a_reason() {
    let fields = "fields: { a: { type: text }, r: { ref: Film } }";
    for (text, expected) in [
        (
            format!("model: film\n{fields}"),
            "a model's name is PascalCase, as in FilmRole, not `film`",
        ),
        (
            format!("model: GantryKeys\n{fields}"),
            "the table gantry_keys would stand among the platform's own",
        ),
        (
            format!("model: Tx\n{fields}"),
            "`Tx` has the path /api/v1/tx, which is a route of the platform's own",
        ),
        (
            format!("model: A{}\n{fields}", "b".repeat(48)),
            "a model's name has at most 48 letters, not 49",
        ),
        (
            "model: A\nfields: {}".to_owned(),
            "a model has at least one field",
        ),
        ("model: A".to_owned(), "`model` has no `fields`"),
        (
            format!("model: A\n{fields}\nunique: [[a, a]]"),
            "`a` stands twice",
        ),
        (
            format!("model: A\n{fields}\nunique: [a]"),
            "`unique` must be a list, not `a`",
        ),
        (
            format!("model: A\n{fields}\nunique: [[r, a], [a, r]]"),
            "these fields are unique together already",
        ),
        (
            format!("model: A\n{fields}\nwas: Film"),
            "`Film` is the name of a model that there is now",
        ),
        (
            format!("model: A\n{fields}\naccess: [{{ role: x, can: [reed] }}]"),
            "`can` must be one of read, create, update, delete, not `reed`",
        ),
        (
            format!("model: A\n{fields}\naccess: [{{ role: X, can: [read] }}]"),
            "a role is lower-case letters, digits, - and _, not `X`",
        ),
        (
            format!("model: A\n{fields}\naccess: [{{ role: x, can: [read], fields: [b] }}]"),
            "A has no field `b`",
        ),
        (
            format!(
                "model: A\n{fields}\naccess: [{{ role: x, can: [read], where: {{ a: {{ equals: 1 }} }} }}]"
            ),
            "`equals` is no operator; operators are eq, ne, neq, lt, lte, gt, gte, in, like, ilike, is, contains, contained_by, overlaps, not",
        ),
        (
            format!(
                "model: A\n{fields}\naccess: [{{ role: x, can: [read], where: {{ a: $caller.ids }} }}]"
            ),
            "`$caller.ids` is no fact of the caller; did you mean `$caller.id`?",
        ),
        (
            format!(
                "model: A\n{fields}\naccess: [{{ role: x, can: [read], where: {{ r: $caller.id }} }}]"
            ),
            "a fact of the caller is text, and r is ref",
        ),
    ] {
        let film = "model: Film\nfields: { a: { type: text } }\n";
        let mistakes =
            load(&[("models/a.yaml", &text), ("models/film.yaml", film)]).expect_err(&text);
        let messages: Vec<_> = mistakes
            .iter()
            .map(|mistake| mistake.message.as_str())
            .collect();
        assert_eq!(messages, [expected], "{text}");
    }
}

#[test]
fn a_name_or_path_stands_once() {
    let model = |name: &str| format!("model: {name}\nfields: {{ a: {{ type: text }} }}\n");
    let told = told(&[
        ("a.yaml", &model("Film")),
        ("b.yaml", &model("Film")),
        ("c.yaml", &model("FILM")),
    ]);
    assert!(
        told.contains("b.yaml:1:8: there is another model `Film`, in a.yaml"),
        "{told}"
    );
    assert!(load(&[("a.yaml", &model("Film")), ("c.yaml", &model("FilmRole"))]).is_ok());
}

#[test]
fn a_broken_field_is_told_once() {
    let text = "\
model: Film
fields:
  title: { type: txt }
unique: [[title]]
access:
  - { role: anyone, can: [read], fields: [title], where: { title: { gt: 3 } } }
";
    assert_eq!(load(&[("film.yaml", text)]).unwrap_err().len(), 1);
}
