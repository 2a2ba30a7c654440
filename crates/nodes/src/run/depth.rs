//! How many runs there are that have not ended: for figures, so it is not asked for often.

use std::time::{Duration, Instant};

use wire::Problem;
use wire::run::State;

use super::Runs;
use crate::problem;

/// How long an answer is good. It is made by looking at all runs, of which there may be many.
const GOOD: Duration = Duration::from_secs(15);
/// Of all time at most one part in so many goes into it.
const SHARE: u32 = 50;

#[derive(Default)]
pub(super) struct Depth {
    counts: Vec<(State, u64)>,
    good_until: Option<Instant>,
}

impl Runs {
    /// By state; those too of which there are none.
    pub(crate) async fn depth(&self) -> Result<Vec<(State, u64)>, Problem> {
        let mut depth = self.depth.lock().await;
        if depth.good_until.is_some_and(|until| until > Instant::now()) {
            return Ok(depth.counts.clone());
        }
        let begun = Instant::now();
        let counted = self.store.count_runs().await;
        let counted = counted.map_err(problem::of_store)?;
        let states = State::ALL.into_iter().filter(|state| !state.is_final());
        let count = |state| {
            let found = counted.iter().find(|(other, _)| *other == state);
            (state, found.map_or(0, |(_, count)| *count))
        };
        depth.counts = states.map(count).collect();
        let took = begun.elapsed();
        depth.good_until = Some(begun + took + GOOD.max(took * SHARE));
        Ok(depth.counts.clone())
    }
}
