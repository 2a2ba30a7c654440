//! Runs of workflows: what the nodes `workflow.<name>` and `run.*` take and answer. Times are RFC 3339, in UTC.
//!
//! A run is a row of dataflow's. Whoever carries it out (nexus) holds a lease of it; steps that are nodes of ours are
//! called with [`crate::Step`] and write their own rows, all others are told by [`Advance`].

mod changes;

use std::sync::Arc;
use std::time::Duration;

pub use changes::*;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::Problem;

/// How long a lease lasts unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(15);
/// How often holders renew theirs.
pub const RENEWAL: Duration = Duration::from_secs(5);
/// The largest answer of one step, and the largest output of a run.
pub const LARGEST_OUTPUT: usize = 1 << 20;
/// Steps that one run may have in one epoch, those of its loops counted each time.
pub const MOST_STEPS: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has begun it, or whoever had gave it back.
    Queued,
    Running,
    /// For a time, a signal, a person or another run; nobody holds it.
    Waiting,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Output of `workflow.<name>`, `run.read`, `run.cancel`, `run.retry`, `run.replay`; an item of `run.list`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub id: Uuid,
    pub workflow: String,
    /// Of the workflow's file, as it was when the run began: a run ends by the definition that it began with.
    pub version: String,
    pub state: State,
    /// 1, and one more with each retry.
    pub epoch: u32,
    pub input: Box<RawValue>,
    /// Of a run that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Box<RawValue>>,
    /// Of a run that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// The principal's id; empty for a stranger, `trigger:<n>` for what its triggers started.
    pub started_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The run whose step called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uuid>,
    /// It was asked to end, and has not yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelling: bool,
    pub created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    Done,
    /// For good: there is no further try.
    Failed,
    /// Its `if` did not hold.
    Skipped,
    /// For a time, a signal, a person, another run or its next try; `note` tells which.
    Waiting,
}

impl StepState {
    pub const ALL: [Self; 4] = [Self::Done, Self::Failed, Self::Skipped, Self::Waiting];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Waiting => "waiting",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What became of one step. `run.steps` answers a list of them, in the order in which they ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepRow {
    /// `save`; within others `each.3.save`, `both.left.save`, `guarded.save`.
    pub path: String,
    /// What was called, or the word of the step's kind: `wait`, `approve`, `each`.
    pub what: String,
    pub state: StepState,
    /// Of a step that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// Tries so far.
    pub attempts: u32,
    /// Of a step that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    pub started_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Note {
    /// A time: the wait's own, or until when it waits for something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// A signal of this name. One who decides sends [`approval`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// A person of this role, and what they are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Who is asked instead of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Of>,
    /// The most that a model may write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u32>,
    /// JSON Schema of what they fill in with a yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
    /// Another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Uuid>,
    /// Whoever asks may decide. Never kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decides: bool,
}

/// What an agent's client answers by itself. Whoever may decide can answer in its place, by the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Its language model, with `{text}`.
    Model,
    /// The folders that it has open, as `{roots: [{uri, name?}]}`.
    Roots,
}

/// The name of the signal by which the step at that path is approved or refused; its payload is [`Decided`].
pub fn approval(path: &str) -> String {
    format!("approve:{path}")
}

/// What was said to a step that asks. A yes is the step's answer, with who said it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Decided {
    pub approved: bool,
    /// The principal's id, in the answer; a signal says it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(default)]
    pub note: Option<String>,
    /// All that the step's form asks for, where it has one and the answer was yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Box<RawValue>>,
}

/// Something told to a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Signal {
    /// Rising within the run.
    pub seq: u64,
    pub name: String,
    pub payload: Box<RawValue>,
    /// The principal's id.
    pub by: String,
    pub at: String,
}

/// Input of the hidden node `run.claim`: leases of runs that may go on. It waits until there is one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Who asks; made at random by each process that carries runs out.
    pub holder: Uuid,
    pub most: u32,
    /// How long to wait where there is none, to [`Claim::LONGEST_WAIT`].
    pub wait_ms: u32,
}

impl Claim {
    pub const MOST: u32 = 256;
    pub const LONGEST_WAIT: u32 = 30_000;
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claimed {
    pub runs: Vec<Held>,
}

/// All that whoever carries the run out must know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Held {
    pub run: Run,
    pub lease: Uuid,
    pub caller: Acting,
    /// Of this epoch.
    pub steps: Vec<StepRow>,
    /// Not yet consumed.
    pub signals: Vec<Signal>,
    /// The last signal that there was, consumed or not.
    #[serde(default)]
    pub signals_seen: u64,
    /// Nobody has held it before, nor was it sent anything.
    #[serde(default)]
    pub fresh: bool,
}

/// As whom steps are called: whoever started the run, or who its `run_as` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Acting {
    /// `None` for a stranger.
    pub assertion: Option<Arc<str>>,
    /// Seconds for which it is good.
    pub expires_in: u64,
}

/// Input of the hidden node `run.renew`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    pub leases: Vec<Lease>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    pub run: Uuid,
    pub lease: Uuid,
}

/// Those that are still held; whoever is not named is another's by now, or ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Renewed {
    pub runs: Vec<StillHeld>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StillHeld {
    pub run: Uuid,
    pub caller: Acting,
    /// It is to end.
    pub cancelling: bool,
    /// Signals that were not yet consumed.
    pub signals: Vec<Signal>,
}

/// What the hidden node `run.heed` tells until it or its asker ends, as events: whoever holds the run renews its lease at
/// once, and so hears what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was cancelled, or sent a signal.
    Run(Uuid),
    /// Any may have been.
    Any,
}

impl Told {
    pub fn event(self) -> String {
        match self {
            Self::Run(run) => format!("data: {run}\n\n"),
            Self::Any => "data: any\n\n".to_owned(),
        }
    }

    /// Of one line of the events; nothing where it tells nothing.
    pub fn read(line: &str) -> Option<Self> {
        match line.strip_prefix("data: ")? {
            "any" => Some(Self::Any),
            run => run.parse().ok().map(Self::Run),
        }
    }
}

/// Input of the hidden node `run.advance`: what became of steps that are no nodes of ours, and what comes next.
/// One transaction; refused as a whole with `lease_lost` where the lease is another's.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    pub run: Uuid,
    pub epoch: u32,
    pub lease: Uuid,
    /// Each replaces the row of its path, unless that is done.
    #[serde(default)]
    pub steps: Vec<StepRow>,
    /// Signals that these steps took, by `seq`.
    #[serde(default)]
    pub consumed: Vec<u64>,
    #[serde(default)]
    pub then: Then,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The holder goes on.
    #[default]
    Go,
    /// The lease ends; the run goes on at that time, at the next signal, when a run that it called ends, or when it is
    /// cancelled, whichever is first. With a signal behind `signals_seen` it goes on at once.
    Wait {
        until: Option<String>,
        signals_seen: u64,
    },
    /// The lease ends, anyone may go on.
    Release,
    Succeed(Box<RawValue>),
    Fail(Problem),
    Cancel,
}

impl Then {
    /// The run ends, and not well.
    pub fn fails(&self) -> bool {
        matches!(self, Self::Fail(_) | Self::Cancel)
    }

    /// The run is over.
    pub fn ends(&self) -> bool {
        matches!(self, Self::Succeed(_) | Self::Fail(_) | Self::Cancel)
    }
}

/// Output of `run.advance`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Advanced {
    /// Of a run that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
}

impl Run {
    /// As it stands once it came to that end; nothing where it goes on.
    pub fn ended(&self, then: &Then, finished_at: &str) -> Option<Self> {
        let (state, output, problem) = match then {
            Then::Succeed(output) => (State::Succeeded, Some(output.clone()), None),
            Then::Fail(problem) => (State::Failed, None, Some(problem.clone())),
            Then::Cancel => (State::Cancelled, None, None),
            Then::Go | Then::Wait { .. } | Then::Release => return None,
        };
        Some(Self {
            state,
            output,
            problem,
            cancelling: false,
            finished_at: Some(finished_at.to_owned()),
            ..self.clone()
        })
    }
}

/// Input of the hidden node `run.definition`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    pub workflow: String,
    pub version: String,
}

/// Output of `run.definition`: the workflow's file as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Definition {
    pub text: String,
}

/// Output of the hidden node `run.hooks`: the webhooks that workflows name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    pub hooks: Vec<HookInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookInfo {
    /// What stands behind `/nexus/v1/hooks/`.
    pub path: String,
    /// The name of the secret that signs what is sent there.
    pub secret: String,
}

/// Input of the hidden node `run.hook`: what was sent to a webhook, once its signature was checked. Answers the run that
/// it starts as [`One`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    pub path: String,
    /// The sender's name of what it sent: the same one starts one run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    pub body: Box<RawValue>,
}

/// Input of `run.signal`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tell {
    pub id: Uuid,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
}

/// Input of `run.approve`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    pub id: Uuid,
    /// The step's path.
    pub step: String,
    pub approved: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// With a yes, what the step's form asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Box<RawValue>>,
}

/// Input of `run.retry`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    pub id: Uuid,
    /// The path of the first step that is done again, with all that ended after it; the one that failed unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Input of `run.read`, `run.steps`, `run.cancel` and `run.replay`; output of `run.hook`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct One {
    pub id: Uuid,
}

/// Input of `run.list`, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// 50 unless said, 1,000 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Of the answer's meta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
