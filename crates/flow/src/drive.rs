//! Carries one run out: does what its walk says, and tells what came of it.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wire::run::{Advance, Held, One, Run, State, StepRow, StepState, Then};
use wire::{Body, Call, Caller, Code, NodeName, Options, Problem, Step, Trace};

use crate::asking::Asking;
use crate::definitions::Definitions;
use crate::leases::News;
use crate::observing::{Observer, Seen};
use crate::outside::Outsides;
use crate::retry::SHORT;
use crate::telling::{Lost, tell};
use crate::tidings::Tidings;
use crate::time;
use crate::walk::{Ending, Next, Todo, USUAL_TIMEOUT, Walk, What};

/// Rows that wait for the next occasion to be told.
const MOST_ROWS: usize = 256;
const MOST_BYTES: usize = 1 << 20;
/// While other steps are under way, runs that are waited for are looked at this often.
const LOOK: Duration = Duration::from_secs(1);

/// What runs are carried out with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Means {
    pub(crate) asking: Asking,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) outside: Arc<Outsides>,
    pub(crate) tidings: Tidings,
    pub(crate) observer: Observer,
    /// No step is begun any more.
    pub(crate) draining: CancellationToken,
    /// No step is waited for any more.
    pub(crate) over: CancellationToken,
}

type Answered = (String, Result<Bytes, Problem>);

struct Drive<'a> {
    means: &'a Means,
    /// As it was when it was claimed.
    run: &'a Run,
    held: Holding,
    news: watch::Receiver<News>,
    under_way: FuturesUnordered<BoxFuture<'a, Answered>>,
    /// What was answered while something else was waited for.
    answered: Vec<Answered>,
    told: Vec<StepRow>,
    consumed: Vec<u64>,
    bytes: usize,
}

#[derive(Clone)]
struct Holding {
    run: Uuid,
    workflow: Arc<str>,
    started_at: Arc<str>,
    epoch: u32,
    lease: Uuid,
    session: Option<String>,
    trace: Trace,
}

pub(crate) async fn carry(means: &Means, held: Held, news: watch::Receiver<News>) {
    let Held {
        run,
        lease,
        steps,
        signals,
        signals_seen,
        ..
    } = held;
    let mut trace = Trace::random();
    // All that a run does is one trace, whoever carries it out.
    trace.trace_id = run.id.as_u128();
    let mut drive = Drive {
        run: &run,
        held: Holding {
            run: run.id,
            workflow: run.workflow.as_str().into(),
            started_at: run.started_at.as_deref().unwrap_or_default().into(),
            epoch: run.epoch,
            lease,
            session: run.session.clone(),
            trace,
        },
        means,
        news,
        under_way: FuturesUnordered::new(),
        answered: Vec::new(),
        told: Vec::new(),
        consumed: Vec::new(),
        bytes: 0,
    };
    let definition = means
        .definitions
        .of(&means.asking, &run.workflow, &run.version)
        .await;
    let lost = match definition {
        Ok(workflow) => {
            let told = (signals, signals_seen);
            let mut walk = Walk::new(&workflow, &run, steps, told, Timestamp::now());
            if run.cancelling {
                walk.end(Ending::Cancel);
            }
            drive.along(walk).await
        }
        // Nobody was reached: another holder may.
        Err(problem) if problem.code == Code::Unavailable => Err(Lost),
        Err(problem) => drive.advance(Then::Fail(problem)).await,
    };
    if lost.is_err() {
        tracing::debug!(run.id = %run.id, "the run is left to others");
    }
}

impl<'a> Drive<'a> {
    async fn along(&mut self, mut walk: Walk<'_>) -> Result<(), Lost> {
        let means = self.means;
        loop {
            let next = walk.next(Timestamp::now());
            let Some(wake) = self.take(next, walk.signals_seen()).await? else {
                return Ok(());
            };
            if !self.answered.is_empty() {
                for (path, answer) in std::mem::take(&mut self.answered) {
                    walk.answer(path, unless_lost(answer)?);
                }
                continue;
            }
            tokio::select! {
                biased;
                () = means.over.cancelled() => {
                    self.under_way.clear();
                    return self.advance(Then::Release).await;
                }
                () = means.draining.cancelled(), if !walk.is_released() => walk.end(Ending::Release),
                changed = self.news.changed() => {
                    changed.map_err(|_| Lost)?;
                    let news = self.news.borrow_and_update();
                    if news.cancelling {
                        walk.end(Ending::Cancel);
                    }
                    walk.signal(news.signals.clone());
                }
                Some((path, answer)) = self.under_way.next() => {
                    means.tidings.tell(self.held.run);
                    walk.answer(path, unless_lost(answer)?);
                    while let Some(Some((path, answer))) = self.under_way.next().now_or_never() {
                        walk.answer(path, unless_lost(answer)?);
                    }
                }
                () = tokio::time::sleep(wake) => {}
            }
        }
    }

    /// Tells and begins what is to be; how long to wait for something to happen, or nothing where the run has ended
    /// for this holder.
    async fn take(&mut self, next: Next<'_>, signals_seen: u64) -> Result<Option<Duration>, Lost> {
        let outputs = next.told.iter().filter_map(|row| row.output.as_ref());
        self.bytes += outputs.map(|output| output.get().len()).sum::<usize>();
        self.see(&next.told);
        self.told.extend(next.told);
        self.consumed.extend(next.consumed);
        if let Some(end) = next.end {
            self.under_way.clear();
            self.advance(end).await?;
            return Ok(None);
        }
        let wake = next.wake.map(|wake| time::until(Timestamp::now(), wake));
        let idle = next.todos.is_empty() && self.under_way.is_empty() && self.answered.is_empty();
        if idle && wake.is_none_or(|wake| wake >= SHORT) {
            let until = next.wake.map(time::text);
            self.advance(Then::Wait {
                until,
                signals_seen,
            })
            .await?;
            return Ok(None);
        }
        if next.due || self.told.len() >= MOST_ROWS || self.bytes >= MOST_BYTES {
            self.advance(Then::Go).await?;
        }
        for todo in next.todos {
            let begun = self.begin(todo);
            self.under_way.push(begun);
        }
        // Nothing to wake for: an answer or news will.
        let wake = wake.unwrap_or(Duration::from_hours(1));
        Ok(Some(if next.watches { wake.min(LOOK) } else { wake }))
    }

    fn see(&self, told: &[StepRow]) {
        for row in told.iter().filter(|row| row.ended_at.is_some()) {
            self.means.observer.see(Seen::Step {
                what: &row.what,
                state: row.state,
                took: time::between(&row.started_at, row.ended_at.as_deref()),
            });
        }
    }

    fn begin(&self, Todo { path, what }: Todo<'_>) -> BoxFuture<'a, Answered> {
        let means = self.means;
        let held = self.held.clone();
        match what {
            What::Call {
                node,
                input,
                timeout,
            } => {
                let node = node.into_owned();
                let caller = self.news.borrow().caller.clone();
                Box::pin(async move {
                    let timeout = timeout.unwrap_or(USUAL_TIMEOUT);
                    let answer = call(means, &held, &path, &node, input.into(), (caller, timeout));
                    let answered = tokio::time::timeout(timeout, answer).await;
                    let answer = answered.unwrap_or_else(|_| Err(too_long(&node, timeout)));
                    (path, answer)
                })
            }
            What::Read(run) => {
                let caller = self.news.borrow().caller.clone();
                Box::pin(async move {
                    let input =
                        Bytes::from(serde_json::to_vec(&One { id: run }).unwrap_or_default());
                    let read = || {
                        let node = NodeName::of_model("run", "read");
                        Call::new(node, caller.clone(), Body::json(input.clone()))
                    };
                    let answer = means.asking.step(read).await;
                    (path, answer)
                })
            }
        }
    }

    /// Tells all that is not told yet, and what comes next. What is under way goes on meanwhile: it may be what stands
    /// before this in the store.
    async fn advance(&mut self, then: Then) -> Result<(), Lost> {
        self.bytes = 0;
        let ends = then.ends();
        let state = match then {
            Then::Succeed(_) => State::Succeeded,
            Then::Fail(_) => State::Failed,
            _ => State::Cancelled,
        };
        let advance = Advance {
            run: self.held.run,
            epoch: self.held.epoch,
            lease: self.held.lease,
            steps: std::mem::take(&mut self.told),
            consumed: std::mem::take(&mut self.consumed),
            then,
        };
        let mut telling = pin!(tell(&self.means.asking, advance));
        let told = loop {
            tokio::select! {
                biased;
                told = &mut telling => break told,
                Some(answered) = self.under_way.next() => self.answered.push(answered),
            }
        };
        if ends && told.is_ok() {
            self.means.observer.see(Seen::Ended {
                workflow: &self.held.workflow,
                state,
                took: time::since(&self.held.started_at),
            });
        }
        let tidings = &self.means.tidings;
        match &told {
            Ok((then, advanced)) if ends => tidings.tell_end(self.run.id, || {
                self.run.ended(then, advanced.finished_at.as_deref()?)
            }),
            // Whoever listens looks.
            Err(Lost) if ends => tidings.tell_end(self.run.id, || None),
            _ => tidings.tell(self.run.id),
        }
        told.map(drop)
    }
}

fn unless_lost(answer: Result<Bytes, Problem>) -> Result<Result<Bytes, Problem>, Lost> {
    match answer {
        Err(problem) if problem.code == Code::LeaseLost => Err(Lost),
        answer => Ok(answer),
    }
}

async fn call(
    means: &Means,
    held: &Holding,
    path: &str,
    node: &NodeName,
    input: Bytes,
    (caller, timeout): (Caller, Duration),
) -> Result<Bytes, Problem> {
    if let Some(outside) = means.outside.of(node) {
        let input = serde_json::from_slice(&input).unwrap_or_default();
        let answer = outside.call(input).await?;
        return Ok(answer.to_string().into());
    }
    let begun = Instant::now();
    let deadline = begun + timeout;
    let call = || Call {
        options: Options {
            session: held.session.clone(),
            step: Some(Step {
                run: held.run,
                epoch: held.epoch,
                path: path.to_owned(),
                lease: held.lease,
            }),
            ..Options::default()
        },
        deadline: Some(deadline),
        trace: held.trace,
        ..Call::new(node.clone(), caller.clone(), Body::json(input.clone()))
    };
    let answer = means.asking.step(call).await;
    // Its row is written with its effect; all others are told. A workflow's tells that its run has ended.
    if answer.is_ok() && node.family() != "workflow" {
        means.observer.see(Seen::Step {
            what: node.as_str(),
            state: StepState::Done,
            took: begun.elapsed(),
        });
    }
    answer
}

fn too_long(node: &NodeName, timeout: Duration) -> Problem {
    let seconds = timeout.as_secs_f64();
    Problem::new(Code::Timeout).detail(format!("`{node}` took longer than {seconds} s"))
}
