//! Lists of any length: rows leave in chunks while the engine still reads, and no faster than they are taken.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::encode::{Cells, Framed};
use crate::{Error, Format, Select};

/// What is sent at once.
const CHUNK: usize = 64 << 10;
/// Chunks that are ready before they are asked for.
const AHEAD: usize = 2;

/// How long a stream may last, and how long nobody may take anything of it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub time: Duration,
    pub stall: Duration,
}

/// A failure is its last item: what came before is not the whole.
pub type Chunks = BoxStream<'static, Result<Bytes, Error>>;

/// Leave to stream, until it is dropped.
pub struct Admission {
    _permit: OwnedSemaphorePermit,
}

impl From<OwnedSemaphorePermit> for Admission {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit }
    }
}

enum Part {
    Chunk(Bytes),
    End,
    Failed(Error),
}

/// Where an engine puts its rows.
pub(crate) struct Outlet {
    select: Select,
    framed: Framed,
    sender: mpsc::Sender<Part>,
    pub(crate) pace: Pace,
    /// When the stream's time is over.
    pub(crate) until: Instant,
    admission: Admission,
}

pub(crate) fn channel(
    select: &Select,
    format: Format,
    pace: Pace,
    admission: Admission,
) -> (Outlet, Chunks) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let now = Instant::now();
    let outlet = Outlet {
        framed: Framed::new(format, &select.model, &select.columns),
        select: select.clone(),
        sender,
        pace,
        until: now.checked_add(pace.time).unwrap_or(now),
        admission,
    };
    (outlet, chunks(receiver))
}

/// An outlet that is gone without an end was given up: what is there is not the whole.
fn chunks(receiver: mpsc::Receiver<Part>) -> Chunks {
    let next = async |receiver: Option<mpsc::Receiver<Part>>| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Part::Chunk(chunk)) => Some((Ok(chunk), Some(receiver))),
            Some(Part::End) => None,
            Some(Part::Failed(error)) => Some((Err(error), None)),
            None => Some((Err(Error::Stalled), None)),
        }
    };
    stream::unfold(Some(receiver), next).boxed()
}

impl Outlet {
    /// False where no more rows are wanted.
    pub(crate) fn row(&mut self, row: &impl Cells) -> Result<bool, Error> {
        if self.framed.rows == self.select.limit {
            return Ok(false);
        }
        self.framed
            .row(row, &self.select.model, &self.select.columns)?;
        Ok(true)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.framed.out.len() >= CHUNK
    }

    /// How long there may be no room.
    pub(crate) fn patience(&self) -> Duration {
        let left = self.until.saturating_duration_since(Instant::now());
        self.pace.stall.min(left)
    }

    /// Sends what there is as soon as there is room.
    pub(crate) async fn send(&mut self) -> Result<(), Error> {
        if Instant::now() >= self.until {
            return Err(Error::Timeout);
        }
        let room = self.sender.reserve().await.map_err(|_| Error::Stalled)?;
        let next = Vec::with_capacity(CHUNK + CHUNK / 8);
        let chunk = std::mem::replace(&mut self.framed.out, next);
        room.send(Part::Chunk(chunk.into()));
        Ok(())
    }

    /// Tells how it ended, once another may begin. One that nobody takes from is left without an end.
    pub(crate) async fn finish(self, done: Result<(), Error>) {
        drop(self.admission);
        let last = match done {
            Ok(()) => {
                let rest = self.framed.finish();
                // Who is gone does not mind.
                if !rest.is_empty() {
                    let _ = self.sender.send(Part::Chunk(rest.into())).await;
                }
                Part::End
            }
            Err(_) if self.sender.is_closed() => return,
            Err(error) => {
                let model = &self.select.model.name;
                tracing::warn!(model, error = %error, "A stream was cut off before its end");
                if matches!(error, Error::Stalled) {
                    return;
                }
                Part::Failed(error)
            }
        };
        let _ = self.sender.send(last).await;
    }

    /// Nobody will take what is sent.
    pub(crate) async fn gone(&self) {
        self.sender.closed().await;
    }

    /// The same as a question.
    pub(crate) fn watch(&self) -> impl Fn() -> bool + Send + 'static {
        let (sender, until) = (self.sender.downgrade(), self.until);
        move || Instant::now() >= until || sender.upgrade().is_none_or(|sender| sender.is_closed())
    }
}
