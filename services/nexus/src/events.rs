//! `GET /nexus/v1/runs/{id}/events`: what becomes of a run and of its steps, as server-sent events.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use flow::Listener;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use serde_json::value::RawValue;
use uuid::Uuid;
use wire::run::{One, Run, StepRow};
use wire::{Media, Problem};

use crate::asked::Asked;
use crate::asking::read;
use crate::v1::Answered;

/// How often a run that is carried out elsewhere is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What happens within this time is told together.
const TOGETHER: Duration = Duration::from_millis(50);
/// So long nothing is said before a comment says that all is well.
const SILENCE: u32 = 15;
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whether `Accept` asks for events before anything else.
pub(crate) fn are_wanted(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let first = accept.and_then(|text| text.split([',', ';']).next());
    first.is_some_and(|kind| {
        kind.trim()
            .eq_ignore_ascii_case(Media::EventStream.as_str())
    })
}

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
        silent: 0,
    };
    let first = watch.look().await?;
    let rest = stream::unfold((Some(first), watch), |(first, mut watch)| async {
        let text = match first {
            Some(first) => Some(Ok(first)),
            None => watch.next().await,
        };
        text.map(|text| (text.map(Bytes::from), (None, watch)))
    });
    let mut response = Response::new(Body::from_stream(rest));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

struct Watch {
    asked: Asked,
    id: Uuid,
    listener: Listener,
    /// Since before the last look.
    heard: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// When each step that was told ended, by its path.
    told: HashMap<String, String>,
    state: String,
    ended: bool,
    silent: u32,
}

impl Watch {
    /// The next events; nothing once all is told.
    async fn next(&mut self) -> Option<Result<String, Problem>> {
        let stopping = self.asked.by.app.stopping.clone();
        while !self.ended {
            let looked = tokio::time::timeout(LOOK, &mut self.heard);
            tokio::select! {
                heard = looked => if heard.is_ok() {
                    tokio::time::sleep(TOGETHER).await;
                },
                () = stopping.cancelled() => return None,
            }
            self.heard = Box::pin(self.listener.heard());
            match self.look().await {
                Ok(text) if text.is_empty() => self.silent += 1,
                other => return Some(other),
            }
            if self.silent >= SILENCE {
                self.silent = 0;
                return Some(Ok(": still here\n\n".to_owned()));
            }
        }
        None
    }

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

fn push(text: &mut String, event: &str, data: &str) {
    text.push_str("event: ");
    text.push_str(event);
    for line in data.lines() {
        text.push_str("\ndata: ");
        text.push_str(line);
    }
    text.push_str("\n\n");
}
