//! Ended runs are kept for as long as their workflow says.

use std::time::Duration;

use jiff::Timestamp;
use model::workflow::Retention;

use crate::nodes::Nodes;

/// How long a definition is kept that no run needs.
const UNUSED: Duration = Duration::from_hours(24);

impl Nodes {
    /// Forgets what need not be kept any more; answers how many runs.
    pub async fn forget_runs(&self) -> Result<u64, store::Error> {
        let live = self.live.load_full();
        let now = Timestamp::now();
        let mut forgotten = 0;
        for name in self.store.run_workflows().await? {
            let place = live.workflow(&name);
            let kept =
                place.map_or_else(Retention::default, |place| live.workflows[place].retention);
            let before = now.checked_sub(kept.age).unwrap_or(Timestamp::MIN);
            forgotten += self.store.forget_runs(&name, before, kept.runs).await?;
        }
        self.store.forget_workflows(now - UNUSED).await?;
        Ok(forgotten)
    }
}
