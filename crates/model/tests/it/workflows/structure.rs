//! What a step may be, what starts a workflow, and how workflows call each other.

use std::fmt::Write as _;
use std::time::Instant;

use model::workflow::outside;
use model::{Project, SchemaKind, Workflow, schema};

use super::{FILM, folder, mistakes, shown, wrong};

#[test]
fn a_step_does_one_thing() {
    for (step, expected) in [
        (
            "{ id: x }",
            "{ : the step does nothing (it has one of node, each, switch, parallel, try, wait, workflow, approve)",
        ),
        (
            "{ node: Film.count, wait: 10m }",
            "wait: a step does one thing, not `node` and `wait` (it has one of node, each, switch, parallel, try, wait, workflow, approve)",
        ),
        (
            "{ nod: Film.count }",
            "nod: `nod` is no key of `steps` (did you mean `node`?)",
        ),
        (
            "{ wait: 10m, with: { a: 1 } }",
            "with: `with` goes with node and workflow, not with wait",
        ),
        (
            "{ node: Film.count, steps: [{ wait: 1s }] }",
            "steps: `steps` goes with each, not with node",
        ),
        (
            "{ wait: soon }",
            "soon: `wait` must be a time like 500ms, 30s, 5m, 2h or 1d, not `soon`",
        ),
        (
            "{ wait: { until: '{{ run.started_at|plus(\"1d\") }}', timeout: 1d } }",
            "timeout: `timeout` goes with `signal` only",
        ),
        (
            "{ wait: { timeout: 1d } }",
            "{ : `wait` is for a time, until a time, or for a signal (write 10m, { until: \"{{ … }}\" } or { signal: paid, timeout: 1d })",
        ),
        (
            "{ wait: { signal: Paid } }",
            "Paid: a signal's name is lower-case letters, digits and _, as in nightly_import, not `Paid`",
        ),
        (
            "{ each: '{{ [1] }}' }",
            "{ : `each` has no `steps` (write steps: [ … ] beside it)",
        ),
        (
            "{ each: '{{ [1] }}', parallel: { a: [{ wait: 1s }] }, steps: [{ wait: 1s }] }",
            "{ : with `each`, `parallel` says how many items at a time (write parallel: 4)",
        ),
        (
            "{ each: '{{ [1] }}', as: run, steps: [{ wait: 1s }] }",
            "run: `run` means something else in expressions",
        ),
        (
            "{ parallel: 4 }",
            "4: `parallel` is a map of branches (write parallel: { left: [ … ], right: [ … ] })",
        ),
        (
            "{ parallel: { Left: [{ wait: 1s }] } }",
            "Left: a branch's name is lower-case letters, digits and _, as in nightly_import, not `Left`",
        ),
        (
            "{ switch: '{{ inputs.film }}' }",
            "{ : `switch` has no `cases` (write cases: [{ is: …, steps: [ … ] }] beside it)",
        ),
        (
            "{ switch: '{{ inputs.film }}', cases: [{ is: a, steps: [{ id: x, wait: 1s }] }, { is: a, steps: [{ id: x, wait: 1s }] }, { is: '{{ 1 }}', steps: [{ wait: 1s }] }] }",
            "a: there is another case for \"a\"\nx: another step of the same switch or try is called `x`\n'{{ 1 }}': `is` is a value, not an expression",
        ),
        (
            "{ try: [{ wait: 1s }] }",
            "{ : `try` alone changes nothing (write catch: [ … ] or finally: [ … ] beside it)",
        ),
        (
            "{ approve: { role: Editor } }",
            "{ : `approve` has no `message` (write it as { message: Publish it?, role: editor })",
        ),
        (
            "{ approve: { message: x, form: { Price: { type: decimal }, n: { type: int, max: many } } } }",
            "Price: the name of what is asked is letters, digits and _, the first in lower case, not `Price`\nmany: `max` does not fit: n must be a whole number, not `many`",
        ),
        (
            "{ approve: { message: x, of: modl, tokens: 5 } }",
            "modl: `of` must be one of person, model, roots, not `modl` (did you mean `model`?)",
        ),
        (
            "{ approve: { message: x, of: model, tokens: 0, form: { a: { type: text } } } }",
            "0: `tokens` must be a whole number from 1 to 100000, not `0`\nform: `form` is for a person to fill in",
        ),
        (
            "{ approve: { message: x, of: roots, tokens: 5, form: { a: { type: text } } } }",
            "tokens: `tokens` goes with `of: model` only\nform: `form` is for a person to fill in",
        ),
        (
            "{ approve: { message: x, tokens: 5 } }",
            "tokens: `tokens` goes with `of: model` only",
        ),
        (
            "{ approve: { message: x, of: person, form: { a: { type: text } } } }",
            "",
        ),
        (
            "{ id: Save, node: Film.count }",
            "Save: a step's id is lower-case letters, digits and _, as in nightly_import, not `Save`",
        ),
        (
            "{ id: inputs, node: Film.count }",
            "inputs: `inputs` means something else in expressions",
        ),
        (
            "{ id: step_3, node: Film.count }",
            "step_3: `step_3` is how steps without an id are called",
        ),
        (
            "{ id: a, node: Film.count }\n- { id: a, node: Film.count }",
            "a: `a` is the name of an earlier step or item",
        ),
        (
            "{ id: a, node: Film.count }\n- { each: '{{ [1] }}', steps: [{ id: a, node: Film.count }] }",
            "a: `a` is the name of an earlier step or item",
        ),
        (
            "{ each: '{{ [1] }}', steps: [{ id: a, node: Film.count }] }\n- { id: a, node: Film.count }",
            "",
        ),
        (
            "{ each: '{{ [1] }}', steps: [{ each: '{{ [item] }}', steps: [{ wait: 1s }] }] }",
            "{ : `item` is the name of an earlier step or item",
        ),
        (
            "{ node: Film.count, retry: { attempts: 0, factor: 0.5, initial: 10s, max: 5s, on: [write_conflct] } }",
            "0: `attempts` must be a whole number from 1 to 100, not `0`\n0.5: `factor` is a number from 1 to 100\n5s: `max` is less than `initial`\nwrite_conflct: there is no problem `write_conflct` (did you mean `write_conflict`?)",
        ),
        (
            "{ node: Film.count, with: {{ inputs }} }",
            "{ : a key is text, not a list or a map (an expression needs quotes: \"{{ … }}\")",
        ),
    ] {
        assert_eq!(wrong(&[step]), expected, "{step}");
    }
}

#[test]
fn a_trigger_gives_what_the_workflow_takes() {
    for (trigger, expected) in [
        (
            "{ cron: '0 3 * *' }",
            "'0 3 * *' : cron has five fields, minute hour day month weekday, and `0 3 * *` has 4",
        ),
        (
            "{ cron: '0 24 * * *' }",
            "'0 24 * * *' : `24` is no hour: from 0 to 23",
        ),
        (
            "{ cron: '0 3 * * *', tz: Europe/Berln }",
            "Europe/Berln: there is no time zone `Europe/Berln` (did you mean `Europe/Berlin`?)",
        ),
        (
            "{ cron: '0 3 * * *', overlap: drop, on: [create] }",
            "drop: `overlap` must be one of skip, queue, cancel_running, not `drop`\non: `on` goes with `change` only",
        ),
        (
            "{ cron: '0 3 * * *', change: Film }",
            "{ : a trigger has one of cron, change and webhook (write { cron: … }, { change: Film } or { webhook: path, secret: name })",
        ),
        (
            "{ tz: UTC }",
            "{ : a trigger has one of cron, change and webhook (write { cron: … }, { change: Film } or { webhook: path, secret: name })",
        ),
        (
            "{ change: Flim }",
            "Flim: there is no model `Flim` (did you mean `Film`?)",
        ),
        (
            "{ change: Film, on: [upsert] }",
            "upsert: `on` must be one of create, update, delete, not `upsert`",
        ),
        (
            "{ change: Film, if: '{{ record.vots > 5 }}' }",
            "vots: `record` is a Film (models/film.yaml), which has no field `vots` (did you mean `votes`?)",
        ),
        (
            "{ change: Film, if: '{{ inputs.record.votes > 5 }}' }",
            "inputs: `inputs` is not known here (known here: record, op)",
        ),
        (
            "{ webhook: /paid, secret: shop }",
            "/paid: a webhook's path is letters, digits, - and _, as in shop/paid, not `/paid`",
        ),
        (
            "{ webhook: paid }",
            "{ : a webhook without a secret would take bodies from anybody (write secret: shop, the name of a file of secrets)",
        ),
        (
            "{ cron: '0 3 * * *', with: { record: 1, at: '{{ time }}', by: '{{ body.x }}' } }",
            "at: this workflow has no input `at`\nby: this workflow has no input `by`\nbody: `body` is not known here (known here: time)",
        ),
    ] {
        let text = format!(
            "workflow: w\ninputs: {{ record: {{ type: json }} }}\nsteps: [{{ wait: 1s }}]\ntriggers:\n- {trigger}\n"
        );
        assert_eq!(mistakes(&text), expected, "{trigger}");
    }
    let needy = "workflow: w\ninputs: { film: { type: uuid, required: true } }\nsteps: [{ wait: 1s }]\ntriggers: [{ change: Film }]";
    assert_eq!(
        mistakes(needy),
        "{ : the trigger gives no input `film`, which is required (write with: { film: … })"
    );
}

#[test]
fn what_a_file_says_of_itself_is_checked() {
    for (text, expected) in [
        (
            "workflow: Rate\nsteps: [{ wait: 1s }]",
            "Rate: a workflow's name is lower-case letters, digits and _, as in nightly_import, not `Rate`",
        ),
        (
            "workflow: other\nsteps: [{ wait: 1s }]",
            "other: there is another workflow `other`, in workflows/other.yaml",
        ),
        (
            "workflow: w\ninputs: { Film: { type: uuid }, a: { ref: Flim }, b: { type: int, default: x } }\nsteps: [{ wait: 1s }]",
            "Film: an input's name is letters, digits and _, the first in lower case, not `Film`\nFlim: there is no model `Flim` (did you mean `Film`?)\nx: the default does not fit: b must be a whole number, not `x`",
        ),
        (
            "workflow: w\nsteps: [{ wait: 1s }]\nrun_as: Editor\nstart: [a b]\ntimeout: 5\nconcurrency: { key: '{{ inputs.x }}' }\nretention: { age: 1 }",
            "Editor: a role is lower-case letters, digits, - and _, not `Editor`\na b: a role is lower-case letters, digits, - and _, not `a b`\n5: `timeout` must be a time like 500ms, 30s, 5m, 2h or 1d, not `5`\n{ : `concurrency` has no `limit` (write it as { key: \"{{ inputs.film }}\", limit: 1 })\nx: `inputs` has no `x`\n1: `age` must be a time like 500ms, 30s, 5m, 2h or 1d, not `1`",
        ),
        (
            "workflow: w\nsteps: [{ id: a, node: Film.count }]\noutputs: { n: '{{ a.cout }}', m: '{{ b }}' }",
            "cout: `a` has no `cout` (did you mean `count`?)\nb: `b` is not known here (did you mean `a`?)",
        ),
        (
            "workflow: w\nsteps: [{ workflow: w }]",
            "w: the calls run in a circle: w → w (a workflow calls neither itself nor one that calls it)",
        ),
        ("workflow: w\nsteps: []", "[: `steps` is an empty list"),
    ] {
        assert_eq!(mistakes(text), expected, "{text}");
    }
}

#[test]
fn workflows_that_call_each_other_in_a_circle_are_told_once() {
    let calls = |name: &str, others: &[&str]| {
        let steps: Vec<_> = others
            .iter()
            .map(|other| {
                format!(
                    "- workflow: {other}
"
                )
            })
            .collect();
        let steps = steps.concat();
        format!("workflow: {name}\nsteps:\n- wait: 1s\n{steps}")
    };
    let files = [
        ("workflows/a.yaml", calls("a", &["b", "d"])),
        ("workflows/b.yaml", calls("b", &["c"])),
        ("workflows/c.yaml", calls("c", &["a", "c"])),
        ("workflows/d.yaml", calls("d", &[])),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let told = Project::load(folder(&files).path())
        .map(|_| ())
        .map_err(shown);
    let hint = "(a workflow calls neither itself nor one that calls it)";
    let expected = format!(
        "workflows/a.yaml:4:13 the calls run in a circle: a → b → c → a {hint}\n\
         workflows/c.yaml:5:13 the calls run in a circle: c → c {hint}"
    );
    assert_eq!(told, Err(expected));
}

#[test]
fn a_webhook_starts_one_workflow() {
    let hooked = |name: &str, paths: &[&str]| {
        let triggers = paths
            .iter()
            .map(|path| format!("- webhook: {path}\n  secret: s\n"));
        let triggers: String = triggers.collect();
        format!("workflow: {name}\nsteps:\n- wait: 1s\ntriggers:\n{triggers}")
    };
    let (one, two) = (hooked("a", &["x", "x/y"]), hooked("b", &["y", "x", "y"]));
    let files = [
        ("workflows/a.yaml", one.as_str()),
        ("workflows/b.yaml", &two),
    ];
    let told = Project::load(folder(&files).path())
        .map(|_| ())
        .map_err(shown);
    let expected = "workflows/b.yaml:7:12 the webhook `x` starts the workflow a already\n\
                    workflows/b.yaml:9:12 the webhook `y` starts the workflow b already";
    assert_eq!(told, Err(expected.to_owned()));
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "the time is for who looks at it; a test has no say in it"
)]
fn every_mistake_of_five_hundred_files_is_told_at_once() {
    let files: Vec<(String, String)> = (0..500)
        .map(|n| {
            let mut text = format!("workflow: w{n}\ninputs: {{ film: {{ type: uuid }} }}\nsteps:\n");
            for step in 0..10 {
                let field = if n % 10 == 0 && step == 9 { "ratign" } else { "rating" };
                let before = if step == 0 { "inputs.film".to_owned() } else { format!("s{}.id", step - 1) };
                let _ = write!(
                    text,
                    "- id: s{step}\n  node: Film.update\n  with: {{ id: \"{{{{ {before} }}}}\", {field}: \"7.5\" }}\n\
                    \x20 retry: {{ attempts: 5, initial: 1s }}\n"
                );
            }
            (format!("workflows/w{n}.yaml"), text)
        })
        .collect();
    let mut all: Vec<(&str, &str)> = vec![
        ("models/film.yaml", FILM),
        ("models/person.yaml", super::PERSON),
    ];
    all.extend(
        files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    );
    let folder = folder(&all);
    let begun = Instant::now();
    let mistakes = Project::load(folder.path()).unwrap_err();
    eprintln!("500 files of 10 steps in {:?}", begun.elapsed());
    assert_eq!(mistakes.len(), 50);
    for mistake in mistakes {
        assert_eq!(
            mistake.message,
            "Film (models/film.yaml) has no field `ratign`"
        );
        assert_eq!(mistake.hint.as_deref(), Some("did you mean `rating`?"));
    }
}

#[test]
fn the_page_says_what_there_is() {
    let page = include_str!("../../../../../docs/WORKFLOWS.md");
    for node in outside() {
        let row = format!("| `{}` |", node.name);
        let row = page
            .lines()
            .find(|line| line.starts_with(&row))
            .unwrap_or_default();
        for argument in &node.arguments {
            assert!(
                row.contains(&format!("`{}`", argument.name)),
                "{} {}",
                node.name,
                argument.name
            );
        }
    }
    let schema = schema(SchemaKind::Workflow);
    let keys = schema["properties"].as_object().unwrap().keys();
    for key in keys.chain(
        schema["$defs"]["step"]["properties"]
            .as_object()
            .unwrap()
            .keys(),
    ) {
        assert!(
            page.contains(&format!("`{key}")) || page.contains(&format!(" `{key}:")),
            "{key}"
        );
    }
    for block in page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
    {
        assert!(
            Workflow::parse("docs/WORKFLOWS.md".as_ref(), block).is_ok(),
            "{block}"
        );
    }
}
