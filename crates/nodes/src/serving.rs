//! Serving other models while calls go on: swapped as a whole, where tables change incompatibly between two calls.

use std::sync::{Arc, Weak};
use std::time::Duration;

use model::{Group, Limits, Models, Workflow};
use tokio_util::sync::CancellationToken;
use wire::Tools;

use crate::live::{Live, UnderWay};
use crate::nodes::Nodes;

/// What is to be served.
#[derive(Debug, Clone)]
pub struct Serving {
    /// The project's name.
    pub project: String,
    pub models: Arc<Models>,
    pub limits: Limits,
    /// How agents get the nodes where they name no group.
    pub tools: Tools,
    pub groups: Arc<[Group]>,
    pub workflows: Arc<[Workflow]>,
}

/// Calls wait. They go on with what was served before, or with what [`Paused::serve`] says, when this is dropped.
pub struct Paused<'a> {
    nodes: &'a Nodes,
    opening: CancellationToken,
    calls: Weak<UnderWay>,
    next: Option<Serving>,
}

impl Nodes {
    pub fn models(&self) -> Arc<Models> {
        Arc::clone(&self.live.load().models)
    }

    /// Serves this from now on; calls under way end with what they began with. The tables must be as both need them.
    pub fn serve(&self, next: Serving) {
        self.live.store(Arc::new(Live::new(next)));
        self.follow_changes();
    }

    /// Triggers that are new see what changes from now on.
    fn follow_changes(&self) {
        if !self.live.load().watched.is_empty() {
            self.runs.wake();
        }
    }

    /// Holds new calls back and lets those under way end. Where they take longer than `patience`, all go on.
    pub async fn pause(&self, patience: Duration) -> Option<Paused<'_>> {
        let opening = CancellationToken::new();
        let closed = self.live.load().closed(opening.clone());
        let before = self.live.swap(Arc::new(closed));
        let (unused, calls) = before.calls();
        drop(before);
        let paused = Paused {
            nodes: self,
            opening,
            calls,
            next: None,
        };
        let ended = tokio::time::timeout(patience, unused.cancelled()).await;
        ended.is_ok().then_some(paused)
    }

    /// What a call begins with: waits while calls are held back.
    pub(crate) async fn open(&self) -> Arc<Live> {
        loop {
            let live = self.live.load_full();
            match live.opening() {
                None => return live,
                Some(opening) => opening.cancelled().await,
            }
        }
    }
}

impl Paused<'_> {
    pub fn serve(mut self, next: Serving) {
        self.next = Some(next);
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        let live = match self.next.take() {
            Some(next) => Live::new(next),
            None => self.nodes.live.load().reopened(self.calls.upgrade()),
        };
        self.nodes.live.store(Arc::new(live));
        self.nodes.follow_changes();
        self.opening.cancel();
    }
}
