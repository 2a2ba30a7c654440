//! What waits: for a time, a signal, a person, and only so long.

use std::time::Duration;

use serde_json::json;
use wire::Code;
use wire::run::{Of, StepState};

use super::{echo, output, problem, row, story, waits};

#[test]
fn a_run_may_take_only_so_long() {
    let mut story = story("timeout: 1m\nsteps: [{ id: pause, wait: 1h }]", &json!({}));
    assert_eq!(
        waits(story.walk(false, echo)).unwrap(),
        "2026-01-01T00:01:00Z"
    );
    story.pass(Duration::from_mins(1));
    assert_eq!(problem(story.walk(false, echo)).0, Code::Timeout);
}

#[test]
fn waiting_survives_whoever_waits() {
    let mut story = story(
        "steps: [{ id: nap, wait: 3s }, { id: pause, wait: 10m }, { id: told, wait: { signal: paid, timeout: 1h } }]\noutputs: '{{ told }}'",
        &json!({}),
    );
    assert_eq!(
        waits(story.walk(false, echo)).unwrap(),
        "2026-01-01T00:00:03Z"
    );
    story.pass(Duration::from_secs(3));
    assert_eq!(
        waits(story.walk(false, echo)).unwrap(),
        "2026-01-01T00:00:06Z"
    );
    story.pass(Duration::from_secs(3));
    let workflow = story.workflow.clone();
    let mut walk = story.begin(&workflow);
    story.now = "2026-01-01T00:00:00Z".parse().unwrap();
    assert!(walk.next(story.now).end.is_none());
    story.rows = vec![row("nap", StepState::Done, None)];
    assert_eq!(
        waits(story.walk(false, echo)).unwrap(),
        "2026-01-01T00:10:00Z"
    );
    story.pass(Duration::from_mins(4));
    assert_eq!(
        waits(story.walk(false, echo)).unwrap(),
        "2026-01-01T00:10:00Z"
    );
    story.pass(Duration::from_mins(6));
    story.signal(1, "other", &json!(0));
    assert_eq!(
        waits(story.walk(false, echo)).unwrap(),
        "2026-01-01T01:10:00Z"
    );
    story.signal(2, "paid", &json!({"sum": 7}));
    assert_eq!(output(story.walk(false, echo)), json!({"sum": 7}));
    let left: Vec<_> = story.signals.iter().map(|signal| signal.seq).collect();
    assert_eq!(left, [1]);
}

#[test]
fn a_signal_that_does_not_come_is_a_timeout() {
    let mut story = story(
        "steps: [{ id: told, wait: { signal: paid, timeout: 1h } }]",
        &json!({}),
    );
    waits(story.walk(false, echo));
    story.pass(Duration::from_hours(1));
    assert_eq!(problem(story.walk(false, echo)).0, Code::Timeout);
}

#[test]
fn a_person_says_yes_or_no() {
    let text = "
inputs: { film: { type: text } }
steps: [{ id: ok, approve: { message: 'Publish {{ inputs.film }}?', role: editor } }]
outputs: '{{ ok }}'
";
    let mut asked = story(text, &json!({"film": "Alien"}));
    assert_eq!(waits(asked.walk(false, echo)), None);
    let note = asked.rows[0].note.clone().unwrap();
    assert_eq!(note.message.as_deref(), Some("Publish Alien?"));
    assert_eq!(note.role.as_deref(), Some("editor"));
    asked.signal(1, "approve:ok", &json!({"approved": true, "note": "fine"}));
    let expected = json!({"approved": true, "by": "anna", "note": "fine"});
    assert_eq!(output(asked.walk(false, echo)), expected);
    let mut refused = story(text, &json!({"film": "Alien"}));
    refused.signal(
        1,
        "approve:ok",
        &json!({"approved": false, "note": "too early"}),
    );
    let (code, detail) = problem(refused.walk(false, echo));
    assert_eq!(code, Code::NotApproved);
    assert_eq!(detail, "step `ok` was not approved by anna: too early");
}

#[test]
fn what_a_person_fills_in_is_known_afterwards() {
    let text = "
steps:
  - { id: ok, approve: { message: 'At which price?', form: { price: { type: decimal, required: true } } } }
outputs: '{{ ok }}'
";
    let mut asked = story(text, &json!({}));
    assert_eq!(waits(asked.walk(false, echo)), None);
    let form = asked.rows[0].note.clone().unwrap().form.unwrap();
    assert_eq!(form["required"], json!(["price"]));
    let said = json!({"approved": true, "note": null, "form": {"price": "12.50"}});
    asked.signal(1, "approve:ok", &said);
    let expected =
        json!({"approved": true, "by": "anna", "note": null, "form": {"price": "12.50"}});
    assert_eq!(output(asked.walk(false, echo)), expected);
}

#[test]
fn others_than_people_are_asked() {
    let text = "
steps:
  - id: all
    parallel:
      a: [{ approve: { message: 'Hello?', of: model, tokens: 7 } }]
      b: [{ approve: { message: 'Hello?', of: model } }]
      c: [{ approve: { message: 'Where?', of: roots } }]
      d: [{ approve: { message: 'Sure?', of: person } }]
";
    let mut asked = story(text, &json!({}));
    assert_eq!(waits(asked.walk(false, echo)), None);
    let notes = asked.rows.iter().filter_map(|row| row.note.as_ref());
    let told: Vec<_> = notes
        .map(|note| {
            let form = note.form.as_ref();
            let needed = form.map(|form| form["required"].to_string());
            (note.of, note.tokens, needed.unwrap_or_default())
        })
        .collect();
    let expected = [
        (Some(Of::Model), Some(7), "[\"text\"]"),
        (Some(Of::Model), Some(1000), "[\"text\"]"),
        (Some(Of::Roots), None, "[\"roots\"]"),
        (None, None, ""),
    ];
    let expected = expected.map(|(of, tokens, needed)| (of, tokens, needed.to_owned()));
    assert_eq!(told, expected);
}
