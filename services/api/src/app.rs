//! What every handler holds.

use std::sync::Arc;

use chassis::{Life, Metrics};
use http::HeaderMap;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wire::{Caller, Callers, Calls, Problem, Trace};

use crate::view::{View, Views};
use crate::{Limits, Settings};

/// The nodes to call and what is remembered about them. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Option<Metrics>,
    /// One for each request that may be at work.
    pub(crate) places: Arc<Semaphore>,
    /// When it is cancelled, streams that have no end of their own end.
    pub(crate) stopping: CancellationToken,
    pub(crate) life: Life,
    remembered: Arc<Remembered>,
}

#[derive(Default)]
struct Remembered {
    callers: Callers,
    views: Views,
}

impl From<Arc<dyn Calls>> for App {
    fn from(calls: Arc<dyn Calls>) -> Self {
        Self::new(calls, Limits::default())
    }
}

impl App {
    pub fn new(calls: Arc<dyn Calls>, limits: Limits) -> Self {
        Self {
            calls,
            limits,
            metrics: None,
            places: Arc::new(Semaphore::new(limits.requests)),
            stopping: CancellationToken::new(),
            life: Life::default(),
            remembered: Arc::default(),
        }
    }

    /// Over the dataflow service, which is reached when it is first called.
    pub fn connect(settings: &Settings) -> Result<Self, chassis::Error> {
        let client = client::Client::new(&settings.dataflow);
        let fault = |error| chassis::Error::Settings(vec![format!("GANTRY_API_DATAFLOW: {error}")]);
        Ok(Self::new(Arc::new(client.map_err(fault)?), settings.limits))
    }

    pub fn calls(&self) -> Arc<dyn Calls> {
        Arc::clone(&self.calls)
    }

    /// Requests are counted there.
    #[must_use]
    pub fn counted(self, metrics: Metrics) -> Self {
        Self {
            metrics: Some(metrics),
            ..self
        }
    }

    /// While this drains, each answer ends its connection.
    #[must_use]
    pub fn draining_with(self, life: Life) -> Self {
        Self { life, ..self }
    }

    pub(crate) fn until(self, stopping: CancellationToken) -> Self {
        Self { stopping, ..self }
    }

    pub(crate) async fn caller(
        &self,
        headers: &HeaderMap,
        trace: Trace,
    ) -> Result<Caller, Problem> {
        let identity = self
            .remembered
            .callers
            .identify(headers, &*self.calls, trace)
            .await?;
        Ok(identity.caller)
    }

    pub(crate) async fn view(&self, caller: &Caller) -> Result<Arc<View>, Problem> {
        let catalogue = self.calls.catalogue(caller).await?;
        Ok(self.remembered.views.of(&catalogue))
    }
}
