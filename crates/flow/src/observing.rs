//! What is seen of runs and steps as they are carried out, for whoever counts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wire::run::{State, StepState};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// So many runs are carried out here now.
    UnderWay(usize),
    /// A run was claimed for the first time, so long after it could have been begun.
    Begun { workflow: &'a str, waited: Duration },
    /// A run has ended, so long after it was first claimed.
    Ended {
        workflow: &'a str,
        state: State,
        took: Duration,
    },
    /// A step has ended, its tries and pauses counted in. `what` is the node, or the word of the step's kind.
    Step {
        what: &'a str,
        state: StepState,
        took: Duration,
    },
}

/// Told of all that is seen. Cheap to clone.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<See>>);

type See = dyn Fn(Seen<'_>) + Send + Sync;

impl Observer {
    pub fn new(see: impl Fn(Seen<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(see)))
    }

    pub(crate) fn see(&self, seen: Seen<'_>) {
        if let Some(see) = &self.0 {
            see(seen);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
