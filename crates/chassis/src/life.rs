//! Where a process stands in its life, seen by everyone in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Starting,
    /// Takes traffic.
    Ready,
    /// Told to stop: still serves, and says that it takes no more.
    Draining,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Life {
    phase: Arc<AtomicU8>,
    stopping: CancellationToken,
    abandoned: CancellationToken,
}

impl Life {
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    /// From now on traffic may come. A process that drains stays draining.
    pub fn ready(&self) {
        // Fails where the process drains already, which is as it should be.
        let _ = self
            .phase
            .compare_exchange(0, 1, Ordering::AcqRel, Ordering::Acquire);
    }

    pub fn drain(&self) {
        self.phase.store(2, Ordering::Release);
    }

    /// Ends when listeners must stop accepting.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Ends when a second signal came: stop now, whatever is under way.
    pub fn abandoned(&self) -> CancellationToken {
        self.abandoned.clone()
    }
}
