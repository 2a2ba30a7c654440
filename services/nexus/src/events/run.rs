//! `GET /nexus/v1/runs/{id}/events`: what becomes of a run and of its steps, as server-sent events.

use std::collections::HashMap;
use std::time::Instant;

use flow::Listener;
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::Problem;
use wire::run::{One, Run, StepRow};

use super::{Heard, SILENCE, STILL_HERE, Watches, answer, pause, push};
use crate::asked::Asked;
use crate::asking::read;
use crate::v1::Answered;

/// An event `run` for each state, an event `step` for each step that ended or waits; ends when the run does.
pub(crate) async fn of_run(asked: Asked, id: Uuid) -> Answered {
    let listener = asked.by.app.tidings.listen(id);
    let mut watch = Watch {
        heard: Box::pin(listener.heard()),
        listener,
        asked,
        id,
        told: HashMap::new(),
        state: String::new(),
        ended: false,
        spoken: Instant::now(),
    };
    let first = watch.look().await?;
    Ok(answer(first, watch))
}

struct Watch {
    asked: Asked,
    id: Uuid,
    listener: Listener,
    heard: Heard,
    /// When each step that was told ended, by its path.
    told: HashMap<String, String>,
    state: String,
    ended: bool,
    spoken: Instant,
}

impl Watches for Watch {
    async fn next(&mut self) -> Option<Result<String, Problem>> {
        let stopping = self.asked.by.app.stopping.clone();
        while !self.ended && pause(&mut self.heard, &stopping).await {
            self.heard = Box::pin(self.listener.heard());
            match self.look().await {
                Ok(text) if text.is_empty() => {}
                other => {
                    self.spoken = Instant::now();
                    return Some(other);
                }
            }
            if self.spoken.elapsed() >= SILENCE {
                self.spoken = Instant::now();
                return Some(Ok(STILL_HERE.to_owned()));
            }
        }
        None
    }
}

impl Watch {
    /// What is new, as text.
    async fn look(&mut self) -> Result<String, Problem> {
        let (_, answer) = self.asked.by.run("read", &One { id: self.id }).await?;
        let run: Run = read(&answer)?;
        let (_, steps) = self.asked.by.run("steps", &One { id: self.id }).await?;
        let steps: Vec<Box<RawValue>> = read(&steps)?;
        let mut text = String::new();
        let state = format!("{} {}", run.epoch, run.state.as_str());
        let is_new = state != self.state && !run.state.is_final();
        if is_new {
            push(&mut text, "run", &String::from_utf8_lossy(&answer));
        }
        for raw in steps {
            let step: StepRow = read(raw.get().as_bytes())?;
            let mark = format!(
                "{} {:?} {} {:?}",
                run.epoch, step.state, step.attempts, step.ended_at
            );
            if self.told.get(&step.path) != Some(&mark) {
                push(&mut text, "step", raw.get());
                self.told.insert(step.path, mark);
            }
        }
        if run.state.is_final() {
            push(&mut text, "run", &String::from_utf8_lossy(&answer));
            self.ended = true;
        }
        self.state = state;
        Ok(text)
    }
}
