//! `run.renew`, `run.advance`: what whoever holds runs says of them.

use std::collections::HashMap;
use std::sync::Arc;

use wire::run::{
    Advance, Advanced, Claim, LARGEST_OUTPUT, MOST_STEPS, Renew, Renewed, Signal, StillHeld, Then,
};
use wire::{Answer, Problem};

use super::{Runs, acting, input};
use crate::problem;
use crate::workflow::answer_of;

pub(super) async fn renew(runs: &Runs, text: &str) -> Result<Answer, Problem> {
    let renew: Renew = input::own(text)?;
    if renew.leases.len() > 100 * Claim::MOST as usize {
        return Err(problem::limit_exceeded("too many leases at once"));
    }
    let rows = runs.store.renew_runs(&renew.leases).await;
    let rows = rows.map_err(problem::of_store)?;
    let ids: Vec<_> = rows.iter().map(|row| row.run).collect();
    let mut signals: HashMap<_, Vec<Signal>> = HashMap::new();
    if !ids.is_empty() {
        let told = runs.store.signals_of(&ids).await;
        for (run, signal) in told.map_err(problem::of_store)? {
            signals.entry(run).or_default().push(signal);
        }
    }
    let mut still = Vec::with_capacity(rows.len());
    for row in rows {
        let principal = acting::principal(&row.acting);
        // Who next claims it is told why.
        if !runs.is_good(&principal.id).await? {
            continue;
        }
        still.push(StillHeld {
            run: row.run,
            caller: acting::sign(&runs.signer, &principal),
            cancelling: row.cancelling,
            signals: signals.remove(&row.run).unwrap_or_default(),
        });
    }
    Ok(Answer::json(answer_of(&Renewed { runs: still })?))
}

pub(super) async fn advance(runs: &Arc<Runs>, text: &str) -> Result<Answer, Problem> {
    let advance: Advance = input::own(text)?;
    check(&advance)?;
    let advanced = runs.store.advance_run(&advance).await;
    let advanced = advanced.map_err(problem::of_store)?;
    // Those that it called and no longer waits for.
    runs.steer(&advanced.cancelled);
    // Whoever called it, the next of its slot, or it itself may go on now.
    if !matches!(advance.then, Then::Go) {
        runs.wake();
    }
    let finished_at = advanced.finished_at;
    Ok(Answer::json(answer_of(&Advanced { finished_at })?))
}

fn check(advance: &Advance) -> Result<(), Problem> {
    if advance.steps.len() > MOST_STEPS {
        let detail = format!("a run has at most {MOST_STEPS} steps");
        return Err(problem::limit_exceeded(detail));
    }
    let outputs = advance.steps.iter().filter_map(|step| step.output.as_ref());
    let last = match &advance.then {
        Then::Succeed(output) => Some(output),
        _ => None,
    };
    if outputs
        .chain(last)
        .any(|output| output.get().len() > LARGEST_OUTPUT)
    {
        let detail = format!("an output has at most {LARGEST_OUTPUT} bytes");
        return Err(problem::limit_exceeded(detail));
    }
    Ok(())
}
