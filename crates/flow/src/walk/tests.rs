//! Runs walked without anything around them: what they do, tell and come to.

mod failing;
mod waiting;

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
