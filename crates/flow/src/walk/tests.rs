//! Runs walked without anything around them: what they do, tell and come to.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use model::workflow::Workflow;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use uuid::Uuid;
use wire::run::{Run, Signal, State, StepRow, StepState, Then};
use wire::{Code, Problem};

use super::{Ending, Todo, Walk, What};
use crate::time;

/// A run whose rows are kept as dataflow keeps them; its walk can be dropped and begun again at any time.
struct Story {
    workflow: Workflow,
    run: Run,
    rows: Vec<StepRow>,
    signals: Vec<Signal>,
    now: Timestamp,
    ending: Option<Ending>,
    /// What was called, in order: `path node input`.
    calls: Vec<String>,
}

fn story(text: &str, input: &Value) -> Story {
    let text = format!("workflow: told\n{text}");
    let workflow = Workflow::parse(Path::new("workflows/told.yaml"), &text);
    let workflow = workflow.unwrap_or_else(|mistakes| {
        let told: Vec<_> = mistakes
            .iter()
            .map(|mistake| mistake.message.clone())
            .collect();
        panic!("{}", told.join("\n"))
    });
    let now = "2026-01-01T00:00:00Z";
    Story {
        run: Run {
            id: Uuid::nil(),
            workflow: workflow.name.clone(),
            version: workflow.version.clone(),
            state: State::Running,
            epoch: 1,
            input: raw(input),
            output: None,
            problem: None,
            started_by: String::new(),
            session: None,
            parent: None,
            cancelling: false,
            created_at: now.to_owned(),
            started_at: Some(now.to_owned()),
            finished_at: None,
        },
        workflow,
        rows: Vec::new(),
        signals: Vec::new(),
        now: now.parse().unwrap(),
        ending: None,
        calls: Vec::new(),
    }
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

fn row(path: &str, state: StepState, output: Option<&Value>) -> StepRow {
    StepRow {
        path: path.to_owned(),
        what: "Film.read".to_owned(),
        state,
        output: output.map(raw),
        problem: None,
        attempts: 1,
        note: None,
        started_at: String::new(),
        ended_at: None,
    }
}

impl Story {
    /// Walks on until it has ended or waits, each node answered by `node`; begins anew before every call where
    /// `forgetful`, as if its holder had died.
    fn walk(
        &mut self,
        forgetful: bool,
        mut node: impl FnMut(&str, &Value) -> Result<Value, Problem>,
    ) -> Then {
        let workflow = self.workflow.clone();
        let mut walk = self.begin(&workflow);
        for _ in 0..1_000 {
            let next = walk.next(self.now);
            self.keep(next.told, &next.consumed);
            if let Some(end) = next.end {
                return end;
            }
            if next.todos.is_empty() {
                let until = next.wake.map(time::text);
                let signals_seen = walk.signals_seen();
                return Then::Wait {
                    until,
                    signals_seen,
                };
            }
            let mut answers = Vec::new();
            for Todo { path, what } in next.todos {
                let What::Call {
                    node: name, input, ..
                } = what
                else {
                    panic!("no run is read here");
                };
                let input: Value = serde_json::from_slice(&input).unwrap();
                self.calls.push(format!("{path} {name} {input}"));
                let answer = node(name.as_str(), &input);
                if let Ok(value) = &answer
                    && !crate::outside::is_outside(&name)
                {
                    self.keep(vec![row(&path, StepState::Done, Some(value))], &[]);
                }
                answers.push((path, answer.map(|value| Bytes::from(value.to_string()))));
            }
            if forgetful && answers.iter().all(|(_, answer)| answer.is_ok()) {
                walk = self.begin(&workflow);
                continue;
            }
            for (path, answer) in answers {
                walk.answer(path, answer);
            }
        }
        panic!("the run does not end: {:?}", self.calls)
    }

    fn begin<'a>(&self, workflow: &'a Workflow) -> Walk<'a> {
        let (rows, signals) = (self.rows.clone(), (self.signals.clone(), 0));
        let mut walk = Walk::new(workflow, &self.run, rows, signals, self.now);
        walk.context.chance = || 0.5;
        if let Some(ending) = self.ending {
            walk.end(ending);
        }
        walk
    }

    fn keep(&mut self, rows: Vec<StepRow>, consumed: &[u64]) {
        for row in rows {
            self.rows.retain(|old| old.path != row.path);
            self.rows.push(row);
        }
        self.signals
            .retain(|signal| !consumed.contains(&signal.seq));
    }

    fn signal(&mut self, seq: u64, name: &str, payload: &Value) {
        self.signals.push(Signal {
            seq,
            name: name.to_owned(),
            payload: raw(payload),
            by: "anna".to_owned(),
            at: String::new(),
        });
    }

    fn pass(&mut self, duration: Duration) {
        self.now = time::after(self.now, duration);
    }

    fn states(&self) -> Vec<String> {
        let told =
            |row: &StepRow| format!("{} {}", row.path, serde_json::to_value(row.state).unwrap());
        self.rows
            .iter()
            .map(|row| told(row).replace('"', ""))
            .collect()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "others fail")]
fn echo(_: &str, input: &Value) -> Result<Value, Problem> {
    Ok(json!({"id": input["id"], "title": "Alien", "seen": input}))
}

fn output(then: Then) -> Value {
    match then {
        Then::Succeed(output) => serde_json::from_str(output.get()).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn problem(then: Then) -> (Code, String) {
    match then {
        Then::Fail(problem) => (problem.code, problem.detail),
        other => panic!("{other:?}"),
    }
}

fn waits(then: Then) -> Option<String> {
    match then {
        Then::Wait { until, .. } => until,
        other => panic!("{other:?}"),
    }
}

const CHAIN: &str = "
inputs: { film: { type: text }, again: { type: bool } }
steps:
  - { id: first, node: Film.read, with: { id: '{{ inputs.film }}' } }
  - { id: skipped, node: Film.read, if: '{{ inputs.again }}', with: { id: '{{ first.id }}' } }
  - { id: last, node: Film.read, with: { id: '{{ first.title }} {{ first.id }}' } }
outputs: { film: '{{ first }}', last: '{{ last.id }}', skipped: '{{ skipped }}' }
";

#[test]
fn steps_go_in_order_and_each_sees_those_before() {
    for forgetful in [false, true] {
        let mut story = story(CHAIN, &json!({"film": "f1", "again": false}));
        let told = output(story.walk(forgetful, echo));
        assert_eq!(told["last"], "Alien f1");
        assert_eq!(told["film"]["seen"], json!({"id": "f1"}));
        assert_eq!(told["skipped"], Value::Null);
        assert_eq!(
            story.calls,
            [
                r#"first Film.read {"id":"f1"}"#,
                r#"last Film.read {"id":"Alien f1"}"#
            ]
        );
        assert_eq!(
            story.states(),
            ["first done", "skipped skipped", "last done"]
        );
    }
}

#[test]
fn blocks_are_walked_the_same_whoever_goes_on() {
    let text = "
steps:
  - id: all
    each: '{{ [3, 1, 2] }}'
    as: n
    parallel: 2
    steps:
      - { id: one, node: Film.read, with: { id: '{{ n }}', at: '{{ index }}' } }
  - id: which
    switch: '{{ all[1].id }}'
    cases: [{ is: 3, steps: [{ id: no, node: Film.read, with: { id: no } }] }, { is: 1, steps: [{ id: fits, node: Film.read, with: { id: fits } }] }]
    default: [{ id: other, node: Film.read, with: { id: other } }]
  - id: both
    parallel:
      left: [{ id: a, node: Film.read, with: { id: a } }, { id: b, node: Film.read, with: { id: '{{ a.id }}b' } }]
      right: [{ id: a, node: Film.read, with: { id: c } }]
outputs: { all: \"{{ all|map(attribute='id')|list }}\", which: '{{ which.id }}', left: '{{ both.left.id }}', right: '{{ both.right.id }}' }
";
    for forgetful in [false, true] {
        let mut story = story(text, &json!({}));
        let told = output(story.walk(forgetful, echo));
        let expected = json!({"all": [3, 1, 2], "which": "fits", "left": "ab", "right": "c"});
        assert_eq!(told, expected);
        let mut paths: Vec<_> = story
            .calls
            .iter()
            .map(|call| call.split(' ').next().unwrap())
            .collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "all.0.one",
                "all.1.one",
                "all.2.one",
                "both.left.a",
                "both.left.b",
                "both.right.a",
                "which.fits"
            ]
        );
    }
}

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
