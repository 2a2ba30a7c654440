//! What fails is tried again, caught and tidied up behind, or ends the run; and so does a cancel.

use std::time::Duration;

use serde_json::{Value, json};
use wire::run::{StepState, Then};
use wire::{Code, Problem};

use super::{Ending, echo, output, problem, row, story, waits};

#[test]
fn what_fails_for_a_while_is_tried_again() {
    let mut story = story(
        "steps: [{ id: save, node: Film.update, with: { id: x }, retry: { attempts: 4, initial: 2s, factor: 10, max: 1h, jitter: false } }]\noutputs: '{{ save }}'",
        &json!({}),
    );
    let mut tries = 0;
    let mut node = |_: &str, _: &Value| {
        tries += 1;
        if tries < 3 {
            Err(Problem::new(Code::Unavailable))
        } else {
            Ok(json!(tries))
        }
    };
    assert_eq!(
        waits(story.walk(false, &mut node)).unwrap(),
        "2026-01-01T00:00:02Z"
    );
    assert_eq!(story.states(), [""; 0]);
    story.pass(Duration::from_secs(2));
    // Tries that are forgotten count anew.
    assert_eq!(
        waits(story.walk(false, &mut node)).unwrap(),
        "2026-01-01T00:00:04Z"
    );
    story.pass(Duration::from_secs(2));
    assert_eq!(output(story.walk(false, &mut node)), 3);
}

#[test]
fn a_long_pause_is_kept_with_its_tries() {
    let mut story = story(
        "steps: [{ id: save, node: Film.update, with: { id: x }, retry: { attempts: 2, initial: 60s, max: 1h } }]",
        &json!({}),
    );
    let busy = |_: &str, _: &Value| Err(Problem::new(Code::WriteConflict));
    assert_eq!(
        waits(story.walk(false, busy)).unwrap(),
        "2026-01-01T00:00:30Z"
    );
    assert_eq!(story.states(), ["save waiting"]);
    assert_eq!(story.rows[0].attempts, 1);
    story.pass(Duration::from_secs(10));
    assert_eq!(
        waits(story.walk(false, busy)).unwrap(),
        "2026-01-01T00:00:30Z"
    );
    story.pass(Duration::from_secs(20));
    assert_eq!(problem(story.walk(false, busy)).0, Code::WriteConflict);
    assert_eq!(story.rows[0].attempts, 2);
}

const GUARDED: &str = "
steps:
  - id: guarded
    try: [{ id: before, node: Film.read, with: { id: b } }, { id: risky, node: Film.update, with: { id: x } }, { id: never, node: Film.read, with: { id: x } }]
    catch: [{ id: caught, node: Film.read, with: { id: '{{ problem.code }} {{ before.id }} {{ never is none }}' } }]
    finally: [{ id: tidy, node: Film.read, with: { id: tidy } }]
outputs: '{{ guarded.id }}'
";

#[test]
fn what_fails_for_good_is_caught_and_what_is_last_is_done() {
    for forgetful in [false, true] {
        let mut story = story(GUARDED, &json!({}));
        let told = story.walk(forgetful, |node, input| match node {
            "Film.update" => Err(Problem::new(Code::NotFound)),
            _ => echo(node, input),
        });
        assert_eq!(output(told), "not_found b true");
        let paths: Vec<_> = story
            .calls
            .iter()
            .map(|call| call.split(' ').next().unwrap())
            .collect();
        assert_eq!(
            paths,
            [
                "guarded.before",
                "guarded.risky",
                "guarded.caught",
                "guarded.tidy"
            ]
        );
        assert_eq!(
            story.states(),
            [
                "guarded.before done",
                "guarded.risky failed",
                "guarded.caught done",
                "guarded.tidy done",
                "guarded done"
            ]
        );
    }
}

#[test]
fn a_branch_that_fails_stops_the_others_at_their_next_step() {
    let text = "
steps:
  - id: both
    parallel:
      left: [{ id: c, node: Film.update, with: { id: c } }]
      right: [{ id: a, node: Film.read, with: { id: a } }, { id: b, node: Film.read, with: { id: b } }]
";
    let mut story = story(text, &json!({}));
    let told = story.walk(false, |node, input| match node {
        "Film.update" => Err(Problem::new(Code::Forbidden)),
        _ => echo(node, input),
    });
    assert_eq!(problem(told).0, Code::Forbidden);
    assert!(
        !story
            .calls
            .iter()
            .any(|call| call.starts_with("both.right.b")),
        "{:?}",
        story.calls
    );
}

#[test]
fn a_run_that_is_cancelled_ends_between_two_steps_and_tidies_up() {
    let mut story = story(GUARDED, &json!({}));
    story.rows = vec![row("guarded.risky", StepState::Done, Some(&json!(1)))];
    story.ending = Some(Ending::Cancel);
    assert!(matches!(story.walk(true, echo), Then::Cancel));
    assert_eq!(story.calls, [r#"guarded.tidy Film.read {"id":"tidy"}"#]);
    // Whoever gives it back leaves that to others.
    story.rows.truncate(1);
    story.calls.clear();
    story.ending = Some(Ending::Release);
    assert!(matches!(story.walk(false, echo), Then::Release));
    assert_eq!(story.calls, [""; 0]);
}

#[test]
fn an_expression_without_a_value_fails_the_step_that_has_it() {
    let mut story = story(
        "steps: [{ id: first, node: Film.read, with: { id: x } }, { id: next, node: Film.read, with: { id: '{{ first.director.name }}' } }]",
        &json!({}),
    );
    let (code, detail) = problem(story.walk(false, echo));
    assert_eq!(code, Code::InvalidInput);
    assert!(
        detail.starts_with("step `next`: `with` cannot be evaluated"),
        "{detail}"
    );
    assert_eq!(story.states(), ["first done", "next failed"]);
}

#[test]
fn a_loop_may_not_go_on_for_ever() {
    let mut story = story(
        "steps: [{ id: all, each: '{{ range(9000)|list }}', parallel: 64, steps: [{ id: a, if: '{{ false }}', node: Film.read, with: { id: x } }, { id: b, if: '{{ false }}', node: Film.read, with: { id: x } }] }]",
        &json!({}),
    );
    assert_eq!(problem(story.walk(false, echo)).0, Code::LimitExceeded);
}
