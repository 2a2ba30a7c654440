//! What is wanted of workflows.

use super::Bound::AtLeast;
use super::list::{at_most, other};
use super::{Figure, Target};
use crate::flow;
use crate::results::Key;

/// Of the rows that pgbench inserts.
const fn durable(
    what: &'static str,
    work: &'static str,
    contender: &'static str,
    least: f64,
) -> Target {
    const fn speed(work: &'static str, contender: &'static str) -> Key<'static> {
        Key {
            command: "flow",
            work,
            clients: 64,
            contender,
            figure: "per_second",
        }
    }
    Target {
        what,
        figure: Figure::Ratio(speed(work, contender), speed(flow::INSERTS, flow::PGBENCH)),
        bound: AtLeast(least),
        unit: "×",
    }
}

pub(super) const OF_WORKFLOWS: &[Target] = &[
    durable(
        "durable steps that are creates, 64 runs at once, of pgbench's inserts of one row",
        flow::STEPS,
        flow::GANTRY,
        0.4,
    ),
    durable(
        "the same through nexus and dataflow",
        flow::STEPS,
        flow::SPLIT,
        0.4,
    ),
    durable(
        "runs of three such steps, of pgbench's inserts of one row",
        flow::RUNS,
        flow::GANTRY,
        0.1,
    ),
    durable(
        "the same through nexus and dataflow",
        flow::RUNS,
        flow::SPLIT,
        0.1,
    ),
    at_most(
        "a run that waits is begun, p50",
        other("flow", flow::DISPATCH, flow::SPLIT, "p50_ms"),
        5.0,
        "ms",
    ),
    at_most(
        "a run that waits is begun, p99",
        other("flow", flow::DISPATCH, flow::SPLIT, "p99_ms"),
        25.0,
        "ms",
    ),
];
