//! Figures that the database has, for who looks at `/metrics`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use chassis::{Asker, Gauge};

use crate::App;

/// How many runs there are that have not ended, by state.
const RUNS: &str = "gantry_runs";
/// Whoever looks does not wait longer for the database.
const PATIENCE: Duration = Duration::from_secs(3);

impl App {
    /// For [`chassis::Metrics::ask`].
    pub fn figures(&self) -> Asker {
        let nodes = Arc::downgrade(&self.nodes);
        Arc::new(move || {
            let nodes = Weak::clone(&nodes);
            Box::pin(async move {
                let Some(nodes) = nodes.upgrade() else {
                    return Vec::new();
                };
                let counts = tokio::time::timeout(PATIENCE, nodes.run_depth()).await;
                let Ok(Ok(counts)) = counts else {
                    tracing::debug!("runs are not counted now");
                    return Vec::new();
                };
                let gauge = |(state, count): (wire::run::State, u64)| Gauge {
                    name: RUNS,
                    labels: format!("state=\"{}\"", state.as_str()),
                    value: i64::try_from(count).unwrap_or(i64::MAX),
                };
                counts.into_iter().map(gauge).collect()
            })
        })
    }
}
