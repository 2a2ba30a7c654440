//! Runs of workflows as rows: what is written, and how it is read.

use jiff::Timestamp;
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::run::{Note, Run, Signal, State, StepRow, StepState};

use crate::{Error, Kept, Position, Written};

/// A run that is to be.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub id: Uuid,
    pub workflow: String,
    pub version: String,
    /// JSON.
    pub input: String,
    /// Whom its steps are called as: a text of the caller's, given back to whoever holds the run.
    pub acting: String,
    /// Of a child its parent's.
    pub started_by: String,
    pub tenant: Option<String>,
    pub session: Option<String>,
    pub slot: Option<Slot>,
    /// Of whoever holds it from the first; of none that has a slot or is called by another.
    pub lease: Option<Uuid>,
    pub at: Timestamp,
}

impl NewRun {
    /// As whoever holds it from the first has it; nothing where its input is no JSON.
    pub fn held_row(&self) -> Option<RunRow> {
        let at = format!("{:.6}", self.at);
        let run = Run {
            id: self.id,
            workflow: self.workflow.clone(),
            version: self.version.clone(),
            state: State::Running,
            epoch: 1,
            input: RawValue::from_string(self.input.clone()).ok()?,
            output: None,
            problem: None,
            started_by: self.started_by.clone(),
            session: self.session.clone(),
            parent: None,
            cancelling: false,
            created_at: at.clone(),
            started_at: Some(at),
            finished_at: None,
        };
        Some(RunRow {
            run,
            acting: self.acting.clone(),
            tenant: self.tenant.clone(),
            is_fresh: true,
            signals: 0,
        })
    }
}

/// Of runs with the same key so many are under way at once; the others wait in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub key: String,
    pub limit: u32,
}

/// What came of telling what came of a run.
#[derive(Debug, Clone, Default)]
pub struct RunAdvanced {
    /// RFC 3339, in UTC, of a run that ended.
    pub finished_at: Option<String>,
    /// Those that it called and that are to end with it.
    pub cancelled: Vec<Uuid>,
}

#[derive(Debug, Clone)]
pub struct RunRow {
    pub run: Run,
    pub acting: String,
    pub tenant: Option<String>,
    /// Nobody has begun it before, so it has neither steps nor signals.
    pub is_fresh: bool,
    /// The number of the last signal that it was told.
    pub signals: u64,
}

/// What became of a step whose effect is in the same transaction.
#[derive(Debug, Clone)]
pub struct StepDone {
    pub step: wire::Step,
    /// The node.
    pub what: String,
    pub begun: Timestamp,
    pub kept: Kept,
    /// The run that it started: the step waits for that one's end.
    pub child: Option<Uuid>,
}

/// A step that is one write, and how its answer is told from what was written.
#[derive(Debug, Clone)]
pub struct NewStep {
    pub step: wire::Step,
    /// The node.
    pub what: String,
    pub begun: Timestamp,
    pub kept: fn(&Written) -> Result<Kept, Error>,
}

impl NewStep {
    pub(crate) fn done(&self, written: &Written) -> Result<StepDone, Error> {
        Ok(StepDone {
            step: self.step.clone(),
            what: self.what.clone(),
            begun: self.begun,
            kept: (self.kept)(written)?,
            child: None,
        })
    }
}

/// What is known of a step that was done before.
#[derive(Debug, Clone)]
pub enum StepKept {
    Answer(Kept),
    Child(Uuid),
}

/// A lease that was renewed.
#[derive(Debug, Clone)]
pub struct RenewedRow {
    pub run: Uuid,
    pub acting: String,
    pub started_by: String,
    pub cancelling: bool,
}

/// Which runs are listed, newest first.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub started_by: Option<String>,
    pub tenant: Option<String>,
    pub workflow: Option<String>,
    pub state: Option<State>,
    pub session: Option<String>,
    /// Those that are older than this one.
    pub before: Option<Uuid>,
    pub limit: u64,
}

/// Of one piece of news among all that becomes of runs: a moment, and which of those that share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunPlace {
    pub at: Timestamp,
    pub run: Uuid,
    /// A step's; empty for the run itself.
    pub path: String,
}

/// What became of runs behind a place.
#[derive(Debug, Clone, Default)]
pub struct RunChanges {
    /// In the order of their moments; those that go on, which have none, at the end.
    pub changes: Vec<(Option<Timestamp>, RunChange)>,
    pub last: Option<RunPlace>,
    /// There is more behind the last.
    pub more: bool,
}

#[derive(Debug, Clone)]
pub enum RunChange {
    /// As it is now.
    Run(Box<RunRow>),
    /// A step `emit` is done.
    Emitted {
        run: Uuid,
        workflow: String,
        path: String,
        output: Box<RawValue>,
    },
}

/// What other processes tell of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunNews {
    /// That some may go on, and that these were cancelled or sent signals.
    Told(Vec<Uuid>),
    /// They may have told something that was not heard.
    Missed,
}

/// When a trigger of a workflow ticks next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    pub workflow: String,
    /// Of the trigger, counted from 0.
    pub number: u32,
    /// What says when it ticks: another text begins anew.
    pub ticks: String,
    pub next_at: Timestamp,
}

/// How far the changes of a model were seen to for the triggers of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerRow {
    pub workflow: String,
    pub model: String,
    pub seen: Position,
}

/// Whether there are changes behind a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    Nothing,
    /// Their order is not settled: a transaction that came before them is open.
    Soon,
    Now,
}

/// A row whose columns are all texts.
pub(crate) type Texts = Vec<Option<String>>;

/// Reads a row of texts, one column after another.
pub(crate) struct Columns(std::vec::IntoIter<Option<String>>);

impl Columns {
    pub(crate) fn new(row: Texts) -> Self {
        Self(row.into_iter())
    }

    pub(crate) fn maybe(&mut self) -> Option<String> {
        self.0.next().flatten()
    }

    pub(crate) fn text(&mut self) -> Result<String, Error> {
        self.maybe().ok_or_else(garbled)
    }

    pub(crate) fn read<T: std::str::FromStr>(&mut self) -> Result<T, Error> {
        self.text()?.parse().map_err(|_| garbled())
    }

    fn maybe_read<T: std::str::FromStr>(&mut self) -> Result<Option<T>, Error> {
        let text = self.maybe();
        text.map(|text| text.parse().map_err(|_| garbled()))
            .transpose()
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Error> {
        Ok(self.text()? == "1")
    }

    pub(crate) fn json(&mut self) -> Result<Option<Box<RawValue>>, Error> {
        let text = self.maybe();
        text.map(|text| RawValue::from_string(text).map_err(|_| garbled()))
            .transpose()
    }

    fn shaped<T: serde::de::DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let text = self.maybe();
        text.map(|text| serde_json::from_str(&text).map_err(|_| garbled()))
            .transpose()
    }
}

pub(crate) fn garbled() -> Error {
    Error::Internal("a row of runs cannot be read".to_owned())
}

/// Of the columns of [`crate::sql::run`].
pub(crate) fn run_row(row: Texts) -> Result<RunRow, Error> {
    let mut columns = Columns::new(row);
    let at = &mut columns;
    let run = Run {
        id: at.read()?,
        workflow: at.text()?,
        version: at.text()?,
        state: State::parse(&at.text()?).ok_or_else(garbled)?,
        epoch: at.read()?,
        input: at.json()?.ok_or_else(garbled)?,
        output: at.json()?,
        problem: at.shaped()?,
        started_by: at.text()?,
        session: at.maybe(),
        parent: at.maybe_read()?,
        cancelling: at.flag()?,
        created_at: at.text()?,
        started_at: at.maybe(),
        finished_at: at.maybe(),
    };
    Ok(RunRow {
        acting: at.text()?,
        tenant: at.maybe(),
        is_fresh: at.flag()?,
        signals: at.read()?,
        run: Run {
            cancelling: run.cancelling && !run.state.is_final(),
            ..run
        },
    })
}

/// Of the columns of [`crate::sql::run::steps_of`].
pub(crate) fn step_row(row: Texts) -> Result<(Uuid, StepRow), Error> {
    let mut columns = Columns::new(row);
    let at = &mut columns;
    let run = at.read()?;
    let step = StepRow {
        path: at.text()?,
        what: at.text()?,
        state: StepState::parse(&at.text()?).ok_or_else(garbled)?,
        output: at.json()?,
        problem: at.shaped()?,
        note: at.shaped::<Note>()?,
        attempts: at.read()?,
        started_at: at.text()?,
        ended_at: at.maybe(),
    };
    Ok((run, step))
}

/// Of the columns of [`crate::sql::run::signals_of`].
pub(crate) fn signal_row(row: Texts) -> Result<(Uuid, Signal), Error> {
    let mut columns = Columns::new(row);
    let at = &mut columns;
    let run = at.read()?;
    let signal = Signal {
        seq: at.read()?,
        name: at.text()?,
        payload: at.json()?.ok_or_else(garbled)?,
        by: at.text()?,
        at: at.text()?,
    };
    Ok((run, signal))
}
