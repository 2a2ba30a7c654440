//! `GET /nexus/v1/events`: what becomes of all runs that the caller may see, as server-sent events.

use std::collections::HashMap;
use std::time::Instant;

use http::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;
use wire::run::{Change, Changed, Changes, Place, Since, State};
use wire::{Code, Problem};

use super::{Heard, LOOK, SILENCE, STILL_HERE, Watches, answer, pause, push};
use crate::asked::Asked;
use crate::asking::read;
use crate::query;
use crate::v1::Answered;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// What is committed so long after its moment is told nevertheless, and clocks may differ by as much.
const LATE: SignedDuration = SignedDuration::from_secs(3);
/// So far back a listener may go on from.
const BACK: SignedDuration = SignedDuration::from_hours(1);
/// So far ahead another's clock may be.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

/// An event `run` for each state that a run is seen in, an event `emit` for each step that emits.
pub(crate) async fn of_all(asked: Asked) -> Answered {
    let workflow = query::workflow(&asked.query)?;
    let last = last_event(&asked.headers)?;
    let mut listening = Listening {
        heard: Box::pin(asked.by.app.tidings.heard()),
        asked,
        workflow,
        place: Place::default(),
        more: false,
        read_to: Timestamp::MIN,
        begins: false,
        reread: Instant::now(),
        told: Told::default(),
        spoken: Instant::now(),
    };
    let first = listening.begin(last).await?;
    Ok(answer(first, listening))
}

fn last_event(headers: &HeaderMap) -> Result<Option<Timestamp>, Problem> {
    let Some(last) = headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty()) else {
        return Ok(None);
    };
    let moment = last.to_str().ok().and_then(|last| last.parse().ok());
    moment.map(Some).ok_or_else(|| {
        Problem::new(Code::InvalidCursor)
            .detail("`Last-Event-ID` is none that was told here: it is a moment, such as 2026-01-31T12:00:00.000000Z")
            .hint("listen without it: runs are told of from now on")
    })
}

struct Listening {
    asked: Asked,
    workflow: Option<String>,
    heard: Heard,
    /// All up to there was read.
    place: Place,
    /// There is more behind it already.
    more: bool,
    /// All of before then was told, but for what was late.
    read_to: Timestamp,
    /// The last seconds are to be read again.
    begins: bool,
    reread: Instant,
    told: Told,
    spoken: Instant,
}

impl Watches for Listening {
    async fn next(&mut self) -> Option<Result<String, Problem>> {
        let stopping = self.asked.by.app.stopping.clone();
        while self.more || pause(&mut self.heard, &stopping).await {
            let looked = stopping.run_until_cancelled(self.look()).await?;
            if !looked.as_ref().is_ok_and(String::is_empty) {
                self.spoken = Instant::now();
                return Some(looked);
            }
            if self.spoken.elapsed() >= SILENCE {
                self.spoken = Instant::now();
                // Whoever goes on from there finds all that was told since.
                return Some(Ok(format!("id: {}\n{STILL_HERE}", written(self.read_to))));
            }
        }
        None
    }
}

impl Listening {
    /// From now on, or from where the caller was; what it says first.
    async fn begin(&mut self, last: Option<Timestamp>) -> Result<String, Problem> {
        let now = self.ask(None).await?;
        let now = moment(&now.now)?;
        let known = last.filter(|last| now - BACK <= *last && *last <= now + AHEAD);
        self.read_to = known.unwrap_or(now);
        self.read_again();
        self.more = true;
        // How things stand is no news.
        while self.more && known.is_none() {
            self.look().await?;
        }
        let mut text = STILL_HERE.to_owned();
        if last.is_some() && known.is_none() {
            push_id(&mut text, &written(now));
            push(&mut text, "resync", "{}");
        }
        Ok(text)
    }

    /// What is new, as text.
    async fn look(&mut self) -> Result<String, Problem> {
        // Before looking: what happens meanwhile is heard.
        self.heard = Box::pin(self.asked.by.app.tidings.heard());
        if !self.more && self.reread.elapsed() >= LOOK {
            self.read_again();
        }
        let changes = self.ask(Some(self.place.clone())).await?;
        if std::mem::take(&mut self.begins) {
            self.read_to = moment(&changes.now)?;
        }
        let mut text = String::new();
        for change in changes.changes {
            if self.told.is_new(&change) {
                push_id(&mut text, &change.at);
                match &change.what {
                    Changed::Run(run) => push(&mut text, "run", &json(run)?),
                    Changed::Emit(emitted) => push(&mut text, "emit", &json(emitted)?),
                }
            }
        }
        self.more = changes.more;
        if let Some(last) = changes.last {
            self.place = last;
        }
        Ok(text)
    }

    /// The last seconds: something may have been committed late.
    fn read_again(&mut self) {
        self.told.forget();
        (self.begins, self.reread) = (true, Instant::now());
        self.place = Place {
            at: written(self.read_to - LATE),
            ..Place::default()
        };
    }

    async fn ask(&self, after: Option<Place>) -> Result<Changes, Problem> {
        let since = Since {
            after,
            workflow: self.workflow.clone(),
            limit: None,
        };
        let (_, answer) = self.asked.by.run("changes", &since).await?;
        read(&answer)
    }
}

/// What was told of what may be read again, each with the turn in which it was read last.
#[derive(Default)]
struct Told {
    runs: HashMap<Uuid, (u32, State, u64)>,
    /// By run, step's path and moment.
    emitted: HashMap<(Uuid, String, String), u64>,
    /// One more each time that the last seconds are read again.
    turn: u64,
}

impl Told {
    fn is_new(&mut self, change: &Change) -> bool {
        match &change.what {
            Changed::Run(run) => {
                let now = (run.epoch, run.state, self.turn);
                let before = self.runs.insert(run.id, now);
                before.is_none_or(|(epoch, state, _)| (epoch, state) != (run.epoch, run.state))
            }
            Changed::Emit(emitted) => {
                let key = (emitted.run, emitted.step.clone(), emitted.at.clone());
                self.emitted.insert(key, self.turn).is_none()
            }
        }
    }

    /// What was not read in the last turn is older than all that is read from now on.
    fn forget(&mut self) {
        let last = self.turn;
        self.runs.retain(|_, (_, _, turn)| *turn == last);
        self.emitted.retain(|_, turn| *turn == last);
        self.turn += 1;
    }
}

/// Of the event that comes next.
fn push_id(text: &mut String, id: &str) {
    text.push_str("id: ");
    text.push_str(id);
    text.push('\n');
}

fn json(shown: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(shown)
        .map_err(|error| Problem::new(Code::Internal).detail(error.to_string()))
}

fn moment(text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| {
        Problem::new(Code::Internal).detail(format!("dataflow says that it is `{text}`"))
    })
}

fn written(moment: Timestamp) -> String {
    format!("{moment:.6}")
}

#[cfg(test)]
mod tests {
    use wire::run::Emitted;

    use super::*;

    #[test]
    fn what_is_read_again_is_told_once_and_forgotten_when_it_is_not() {
        let change = |at: &str| Change {
            at: at.to_owned(),
            what: Changed::Emit(Emitted {
                run: Uuid::nil(),
                workflow: "rate".to_owned(),
                step: "said".to_owned(),
                name: "rated".to_owned(),
                payload: Box::default(),
                at: at.to_owned(),
            }),
        };
        let mut told = Told::default();
        assert!(told.is_new(&change("1")) && told.is_new(&change("2")));
        told.forget();
        assert!(!told.is_new(&change("2")));
        told.forget();
        assert_eq!(told.emitted.len(), 1);
        assert!(!told.is_new(&change("2")));
        told.forget();
        told.forget();
        assert!(told.emitted.is_empty());
    }
}
