//! Calls of nodes, patient with a dataflow that is away for a moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::run::LARGEST_OUTPUT;
use wire::{Body, ByteStream, Call, Caller, Calls, Code, Content, NodeName, Problem};

use crate::retry;

/// How long dataflow may be away: as long as leases last.
const PATIENCE: Duration = wire::run::LEASE;
/// An answer of a hidden node: a page of runs with all their steps.
const LARGEST_ANSWER: usize = 256 << 20;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Asking(pub(crate) Arc<dyn Calls>);

impl Asking {
    /// The hidden node `run.<verb>`, which any number of tries leave as one does.
    pub(crate) async fn hidden<T: DeserializeOwned>(
        &self,
        verb: &str,
        input: &impl Serialize,
    ) -> Result<T, Problem> {
        let input = encode(input)?;
        let node = NodeName::of_model("run", verb);
        let call = || Call::new(node.clone(), Caller::Anonymous, Body::json(input.clone()));
        decode(&self.patiently(call, LARGEST_ANSWER).await?)
    }

    /// Once, answered within that time.
    pub(crate) async fn hidden_once<T: DeserializeOwned>(
        &self,
        verb: &str,
        input: &impl Serialize,
        within: Duration,
    ) -> Result<T, Problem> {
        let node = NodeName::of_model("run", verb);
        let mut call = Call::new(node, Caller::Anonymous, Body::json(encode(input)?));
        call.deadline = Some(Instant::now() + within);
        decode(&self.once(call, LARGEST_ANSWER).await?)
    }

    /// What the hidden node `run.<verb>` tells until it ends.
    pub(crate) async fn listen(&self, verb: &str) -> Result<ByteStream, Problem> {
        let node = NodeName::of_model("run", verb);
        let call = Call::new(node, Caller::Anonymous, Body::json("{}"));
        match self.0.call(call).await?.body.content {
            Content::Stream(stream) => Ok(stream),
            Content::Whole(_) => {
                Err(Problem::new(Code::Unavailable).detail("nothing is told there"))
            }
        }
    }

    /// A step's call has its effect once, however often it is made.
    pub(crate) async fn step(&self, call: impl Fn() -> Call) -> Result<Bytes, Problem> {
        self.patiently(call, LARGEST_OUTPUT).await
    }

    async fn patiently(&self, call: impl Fn() -> Call, largest: usize) -> Result<Bytes, Problem> {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let call = call();
            let deadline = call.deadline;
            match self.once(call, largest).await {
                Err(problem) if problem.code == Code::Unavailable => {
                    let over = deadline.is_some_and(|deadline| deadline <= Instant::now() + pause);
                    if over || begun.elapsed() > PATIENCE {
                        return Err(problem);
                    }
                }
                other => return other,
            }
            tokio::time::sleep(pause.mul_f64(0.5 + retry::chance() / 2.0)).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    async fn once(&self, call: Call, largest: usize) -> Result<Bytes, Problem> {
        let answer = self.0.call(call).await?;
        let answer = answer.body.collect(largest).await?;
        Ok(if answer.is_empty() {
            Bytes::from_static(b"null")
        } else {
            answer
        })
    }
}

fn encode(input: &impl Serialize) -> Result<Bytes, Problem> {
    let input = serde_json::to_vec(input).map_err(|error| {
        Problem::new(Code::Internal).detail(format!("what a run came to cannot be told: {error}"))
    })?;
    Ok(input.into())
}

fn decode<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(answer).map_err(|error| {
        Problem::new(Code::Internal).detail(format!("dataflow's answer cannot be read: {error}"))
    })
}
