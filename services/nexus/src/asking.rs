//! Calls of nodes for whoever asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{Answer, Call, Caller, Catalogue, Code, NodeName, Options, Problem, Trace};

use crate::App;

/// Runs with their steps, whole.
const LARGEST_ANSWER: usize = 256 << 20;
/// A node has so long beyond what is waited for.
const CALL: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) app: App,
    pub(crate) who: Who,
    pub(crate) trace: Trace,
}

#[derive(Clone)]
pub(crate) enum Who {
    /// Found out anew each time, since a run may be waited for longer than an assertion is good.
    Head(Arc<HeaderMap>),
    Known(Caller),
}

impl Asking {
    pub(crate) async fn caller(&self) -> Result<Caller, Problem> {
        match &self.who {
            Who::Head(headers) => {
                let callers = &self.app.callers;
                let identity = callers.identify(headers, &*self.app.calls, self.trace);
                Ok(identity.await?.caller)
            }
            Who::Known(caller) => Ok(caller.clone()),
        }
    }

    /// As whoever asks may know it.
    pub(crate) async fn catalogue(&self) -> Result<Arc<Catalogue>, Problem> {
        self.app.calls.catalogue(&self.caller().await?).await
    }

    /// A node, as whoever asks.
    pub(crate) async fn call(
        &self,
        node: NodeName,
        input: Bytes,
        options: Options,
    ) -> Result<(wire::Meta, Bytes), Problem> {
        let call = Call {
            options,
            deadline: Some(Instant::now() + CALL),
            trace: self.trace,
            ..Call::new(node, self.caller().await?, wire::Body::json(input))
        };
        let Answer { meta, body } = self.app.calls.call(call).await?;
        Ok((meta, body.collect(LARGEST_ANSWER).await?))
    }

    /// The node `run.<verb>`.
    pub(crate) async fn run(
        &self,
        verb: &str,
        input: &impl Serialize,
    ) -> Result<(wire::Meta, Bytes), Problem> {
        let input = serde_json::to_vec(input).map_err(|error| {
            Problem::new(Code::Internal).detail(format!("the input of run.{verb}: {error}"))
        })?;
        let node = NodeName::of_model("run", verb);
        self.call(node, input.into(), Options::default()).await
    }
}

pub(crate) fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(answer).map_err(|error| {
        Problem::new(Code::Internal).detail(format!("dataflow's answer cannot be read: {error}"))
    })
}
