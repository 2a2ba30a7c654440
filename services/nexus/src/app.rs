//! What every handler holds.

use std::path::PathBuf;
use std::sync::Arc;

use chassis::{Life, Metrics};
use flow::{Engine, Tidings};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wire::{Callers, Calls};

use crate::settings::HOOK_SECRETS;
use crate::{Limits, Settings, figures};

/// The nodes to call, and what is heard of runs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) limits: Limits,
    /// How agents get workflows.
    pub(crate) agents: Arc<mcp_face::Settings>,
    pub(crate) callers: Arc<Callers>,
    pub(crate) tidings: Tidings,
    pub(crate) metrics: Option<Metrics>,
    /// One for each request that may be at work.
    pub(crate) places: Arc<Semaphore>,
    /// When it is cancelled, whoever waits is answered.
    pub(crate) stopping: CancellationToken,
    pub(crate) life: Life,
    /// The folder of the secrets that webhooks are signed with.
    pub(crate) hook_secrets: PathBuf,
    flow: flow::Settings,
}

impl App {
    pub fn new(calls: Arc<dyn Calls>, flow: flow::Settings) -> Self {
        Self::limited(calls, flow, Limits::default())
    }

    fn limited(calls: Arc<dyn Calls>, flow: flow::Settings, limits: Limits) -> Self {
        Self {
            calls,
            limits,
            agents: Arc::default(),
            callers: Arc::default(),
            tidings: Tidings::default(),
            metrics: None,
            places: Arc::new(Semaphore::new(limits.requests)),
            stopping: CancellationToken::new(),
            life: Life::default(),
            hook_secrets: HOOK_SECRETS.into(),
            flow,
        }
    }

    /// Over the dataflow service, which is reached when it is first called.
    pub fn connect(settings: &Settings) -> Result<Self, chassis::Error> {
        let client = client::Client::new(&settings.dataflow);
        let fault =
            |error| chassis::Error::Settings(vec![format!("GANTRY_NEXUS_DATAFLOW: {error}")]);
        let client = Arc::new(client.map_err(fault)?);
        let app = Self::limited(client, settings.flow.clone(), settings.limits);
        Ok(app
            .offering(settings.agents.clone())
            .with_hook_secrets(settings.hook_secrets.clone()))
    }

    pub fn calls(&self) -> Arc<dyn Calls> {
        Arc::clone(&self.calls)
    }

    /// What carries runs out beside the routes, which hear of them from it.
    pub fn engine(&self) -> Engine {
        let engine = Engine::new(self.calls(), self.flow.clone()).telling(self.tidings.clone());
        match &self.metrics {
            Some(metrics) => engine.observed_by(figures::observer(metrics.clone())),
            None => engine,
        }
    }

    /// How agents get workflows: by whom it may be asked, under which names.
    #[must_use]
    pub fn offering(self, agents: mcp_face::Settings) -> Self {
        Self {
            agents: Arc::new(agents),
            ..self
        }
    }

    /// The secrets that webhooks are signed with are in that folder, a file each.
    #[must_use]
    pub fn with_hook_secrets(self, hook_secrets: PathBuf) -> Self {
        Self {
            hook_secrets,
            ..self
        }
    }

    /// Requests, runs and steps are counted there.
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
}
