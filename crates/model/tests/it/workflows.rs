//! Workflow files: what they say, and every mistake in them where it stands.

mod cron;
mod input;
mod json_schema;
mod names;
mod offers;
mod structure;

use std::path::Path;

use minijinja::Value as Scope;
use minijinja::value::Serde;
use model::workflow::{Action, Expression, Template};
use model::{Mistake, Project, Workflow};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::projects::folder;

fn scope(value: Value) -> Scope {
    Scope::from(Serde(value))
}

#[test]
fn the_example_project_is_sound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/cinema");
    let project = Project::load(&root).map_err(shown).unwrap();
    let names: Vec<_> = project
        .workflows
        .iter()
        .map(|workflow| workflow.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "double_feature",
            "film_sheet",
            "nightly_import",
            "publish_review",
            "research"
        ]
    );
}

fn shown(mistakes: Vec<Mistake>) -> String {
    let lines = mistakes.into_iter().map(|mistake| {
        let hint = mistake
            .hint
            .map_or(String::new(), |hint| format!(" ({hint})"));
        format!(
            "{}:{}:{} {}{hint}",
            mistake.file.display(),
            mistake.line,
            mistake.column,
            mistake.message
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn values_keep_their_types_and_texts_are_made_of_them() {
    let scope = scope(json!({
        "inputs": {"film": "f1", "rating": "7.50", "n": 9_007_199_254_740_993_i64, "none": null, "tags": ["a", "b"]},
        "before": {"rating": "7.5", "title": "Alien"},
    }));
    for (source, expected) in [
        ("inputs.n", json!(9_007_199_254_740_993_i64)),
        ("inputs.n + 1", json!(9_007_199_254_740_994_i64)),
        ("inputs.none", json!(null)),
        (
            "inputs",
            json!({"film": "f1", "rating": "7.50", "n": 9_007_199_254_740_993_i64, "none": null, "tags": ["a", "b"]}),
        ),
        ("before.rating == inputs.rating", json!(false)),
        (
            "before.rating|decimal == inputs.rating|decimal",
            json!(true),
        ),
        ("inputs.rating|decimal", json!("7.50")),
        ("[10|decimal, '9.5'|decimal]|min", json!("9.5")),
        ("{'a': {'b': inputs.tags}}", json!({"a": {"b": ["a", "b"]}})),
        ("inputs.tags|tojson", json!(r#"["a","b"]"#)),
        (r#"'{"a": [1]}'|fromjson"#, json!({"a": [1]})),
        (
            "'2026-03-28T23:30:00Z'|plus('1h')",
            json!("2026-03-29T00:30:00Z"),
        ),
        ("'2026-03-01'|minus('1d')", json!("2026-02-28")),
        ("'2026-03-28T23:30:00Z'|date", json!("2026-03-28")),
        ("'2026-03-28'|date('%d.%m.%Y')", json!("28.03.2026")),
        ("before.nothing|default(1.5)", json!(1.5)),
        ("range(3)|list", json!([0, 1, 2])),
    ] {
        assert_eq!(
            Expression::new(source).and_then(|one| one.evaluate(&scope)),
            Ok(expected),
            "{source}"
        );
    }
    assert_eq!(
        Expression::new("inputs.tags").and_then(|one| one.holds(&scope)),
        Ok(true)
    );
    assert_eq!(
        Expression::new("inputs.none").and_then(|one| one.holds(&scope)),
        Ok(false)
    );
    let workflow =
        parse("outputs: { a: \"{{ inputs }}!\", b: [1, \"{{ inputs.b }} {{ inputs.a }}\"], c: ~ }");
    let scope = self::scope(json!({"inputs": {"a": null, "b": 7}}));
    let outputs = workflow.outputs.render(&scope);
    assert_eq!(
        outputs,
        Ok(json!({"a": "{\"a\":null,\"b\":7}!", "b": [1, "7 "], "c": null}))
    );
}

/// A workflow of one step and these lines more.
fn parse(more: &str) -> Workflow {
    let text = format!(
        "workflow: w\ninputs: {{ a: {{ type: text }}, b: {{ type: int }} }}\nsteps: [{{ node: log, with: {{ message: x }} }}]\n{more}"
    );
    Workflow::parse(Path::new("w.yaml"), &text)
        .map_err(shown)
        .unwrap()
}

#[test]
fn what_is_not_there_is_named() {
    let scope = scope(json!({"a": {"b": null, "c": "x"}, "l": [1]}));
    for (source, expected) in [
        ("x", "`x` is not known here"),
        ("a.x", "`a.x` is not there"),
        ("a.b.x + 1", "`a.b.x` is not there: `a.b` is null"),
        ("l[3]", "`l[3]` is not there"),
        ("a.x.y", "`a.x` is not there"),
        ("a.c ~ a.x", "`a.x` is not there"),
        ("[a.x]", "`a.x` is not there"),
        (
            "a.c + 1",
            "`a.c + 1` failed: tried to use + operator on unsupported types string and number",
        ),
        (
            "'x' * 2000000000",
            "`'x' * 2000000000` takes too much work; do it in several steps",
        ),
    ] {
        assert_eq!(
            Expression::new(source).and_then(|one| one.evaluate(&scope)),
            Err(expected.to_owned()),
            "{source}"
        );
    }
    for source in ["", "a +", "a b", "{% if a %}", "a.b.c(", "\"x"] {
        assert!(Expression::new(source).is_err(), "{source}");
    }
    assert!(Expression::new(&"(".repeat(20_000)).is_err());
    assert!(
        Expression::new("now()")
            .and_then(|one| one.evaluate(&scope))
            .is_err()
    );
}

#[test]
fn a_file_is_read_as_it_stands() {
    let workflow =
        parse("retention: { age: 1d }\ntriggers: [{ cron: '0 3 * * *' }]\nstart: [editor]\n");
    assert_eq!(workflow.version.len(), 16);
    assert_eq!(
        (workflow.retention.age.as_secs(), workflow.retention.runs),
        (86_400, 10_000)
    );
    assert!(
        workflow.may_start(["editor"])
            && workflow.may_start(["admin"])
            && !workflow.may_start(["critic"])
    );
    let Action::Node { node, with } = &workflow.steps[0].action else {
        panic!("{:?}", workflow.steps)
    };
    assert_eq!(
        (node.as_str(), workflow.steps[0].id.as_str()),
        ("log", "step_1")
    );
    assert!(matches!(with, Template::Constant(_)));
}

const FILM: &str = "\
model: Film
fields:
  title: { type: text, required: true, max: 300, search: true }
  released: { type: date }
  rating: { type: decimal, min: 0, max: 10 }
  votes: { type: int }
  genre: { type: enum, values: [drama, comedy] }
  director: { ref: Person }
  tags: { type: text, array: true }
unique: [[title, released]]
";
const PERSON: &str = "model: Person\nfields: { name: { type: text, unique: true } }";

/// What is wrong with a workflow file, a mistake a line: the words at fault, what is wrong with them, what to do.
fn mistakes(text: &str) -> String {
    let other = "workflow: other\ninputs: { film: { ref: Film, required: true }, most: { type: int } }\n\
                 steps: [{ node: log, with: { message: hello } }]\noutputs: { done: true }";
    let folder = folder(&[
        ("models/film.yaml", FILM),
        ("models/person.yaml", PERSON),
        ("workflows/other.yaml", other),
        ("workflows/w.yaml", text),
    ]);
    let mistakes = Project::load(folder.path()).err().unwrap_or_default();
    let lines = mistakes.into_iter().map(|mistake| {
        let words = mistake
            .source
            .chars()
            .skip(mistake.column - 1)
            .take(mistake.width);
        let hint = mistake
            .hint
            .map_or(String::new(), |hint| format!(" ({hint})"));
        format!("{}: {}{hint}", words.collect::<String>(), mistake.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The same of a workflow of these steps.
fn wrong(steps: &[&str]) -> String {
    let inputs = "inputs: { film: { type: uuid }, rating: { type: decimal } }";
    let steps: Vec<_> = steps.iter().map(|step| format!("- {step}\n")).collect();
    mistakes(&format!(
        "workflow: w\n{inputs}\nsteps:\n{}",
        steps.concat()
    ))
}

fn parse_whole(text: &str) -> Workflow {
    Workflow::parse(Path::new("w.yaml"), text)
        .map_err(shown)
        .unwrap()
}

proptest! {
    #[test]
    fn no_step_makes_the_reader_fail(text in "[a-c0 :,\\[\\]{}'\"|.(){}%~+!=-]{0,60}") {
        let step = format!("workflow: w\nsteps:\n- {text}\n- {{ if: '{{{{ {text} }}}}', each: \"{text}\", steps: [{{ wait: {text} }}] }}");
        let _ = Workflow::parse(Path::new("w.yaml"), &step);
    }

    #[test]
    fn no_expression_makes_the_evaluation_fail(source in "[a-c0-9 |.()\\[\\]{}'~+*/%,:=!<>-]{1,40}") {
        let scope = scope(json!({"a": {"b": [1, "x", null]}, "b": "7.5", "c": 1.5}));
        let _ = Expression::new(&source).and_then(|one| one.evaluate(&scope));
    }
}

#[test]
fn a_long_expression_needs_no_large_stack() {
    let chains = [
        ("1", "+1"),
        ("a", ".b"),
        ("a", "|list"),
        ("a", "[0]"),
        ("", "("),
        ("", "["),
        ("", "not "),
        ("", "-"),
        ("a", "()"),
        ("1", " if 1 else 1"),
        ("1", "<1"),
        ("a", " is defined"),
        ("1", "**1"),
        ("1", " and 1"),
        ("", "{1:"),
        ("1", "~1"),
    ];
    let evaluate = move || {
        let scope = scope(json!({"a": {"b": 1}}));
        for (start, more) in chains {
            for times in [66, 99, 198, 4_000] {
                let source = format!("{start}{}", more.repeat(times));
                let text =
                    format!("workflow: w\nsteps: [{{ if: '{{{{ {source} }}}}', wait: 1s }}]");
                let _ = Workflow::parse(Path::new("w.yaml"), &text);
                let _ = Expression::new(&source).and_then(|one| one.evaluate(&scope));
            }
        }
    };
    // Threads of services have 2 MiB.
    let thread = std::thread::Builder::new()
        .stack_size(3 << 19)
        .spawn(evaluate);
    thread.unwrap().join().unwrap();
}

#[test]
fn workflows_are_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&parse(""));
}

#[test]
fn large_answers_are_worked_on_and_bombs_are_not() {
    let list: Vec<_> = (0..50_000).collect();
    let scope = scope(json!({"n": 2_000_000_000_i64, "s": "x".repeat(1_000_000), "l": list}));
    let outcome = |source: &str| Expression::new(source).and_then(|one| one.evaluate(&scope));
    for source in [
        "s ~ 'a'",
        "s|replace('a', 'b')",
        "'%s'|format(s)",
        "s[:900000]",
        "s|tojson|fromjson",
        "l|map('string')|list",
        "l|max",
        "l|select('odd')|list|length",
    ] {
        assert!(outcome(source).is_ok(), "{source}");
    }
    for source in [
        "'%2000000000s'|format('x')",
        "'%.2000000000f'|format(1.5)",
        "'a'|indent(n)",
        "'x' * n",
        "[1] * n",
        "range(n)",
        "[1]|batch(n, 0)|list",
        "[1, 2]|slice(n)|list",
        "s|replace('', s)",
        "s|list|join(s)",
        "2 ** n",
        "'1970-01-01'|date('%1000000000Y')",
    ] {
        assert!(outcome(source).is_err(), "{source}");
    }
    assert_eq!(
        outcome("range(n)"),
        Err("`range(n)` failed: range has too many elements".to_owned())
    );
}
