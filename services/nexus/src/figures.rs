//! Figures of runs and steps, named as those of requests are.

use std::time::Duration;

use chassis::{Gauge, Metrics};
use flow::{Observer, Seen};

const UNDER_WAY: &str = "gantry_runs_under_way";
const DISPATCH: &str = "gantry_run_dispatch_duration_seconds";
const RUN: &str = "gantry_run_duration_seconds";
const STEP: &str = "gantry_step_duration_seconds";

/// Labels are of bounded sets: workflows and nodes that there are, words of states and of kinds of steps.
pub(crate) fn observer(metrics: Metrics) -> Observer {
    Observer::new(move |seen| match seen {
        Seen::UnderWay(runs) => metrics.set(Gauge {
            name: UNDER_WAY,
            labels: String::new(),
            value: i64::try_from(runs).unwrap_or(i64::MAX),
        }),
        Seen::Begun { workflow, waited } => {
            metrics.observe_in(DISPATCH, &format!("workflow=\"{workflow}\""), waited);
        }
        Seen::Ended {
            workflow,
            state,
            took,
        } => long(&metrics, RUN, ("workflow", workflow, state.as_str()), took),
        Seen::Step { what, state, took } => {
            long(&metrics, STEP, ("node", what, state.as_str()), took);
        }
    })
}

fn long(
    metrics: &Metrics,
    histogram: &'static str,
    (name, of, state): (&str, &str, &str),
    took: Duration,
) {
    let labels = format!("{name}=\"{of}\",state=\"{state}\"");
    metrics.observe_long_in(histogram, &labels, took);
}
