//! Tells what a run came to, as much at a time as a call takes.

use wire::run::{Advance, Advanced, StepRow, Then};
use wire::{Code, Problem};

use crate::asking::Asking;

/// Of one call; the largest output of one step is a quarter of it.
const MOST_BYTES: usize = 4 << 20;
const MOST_ROWS: usize = 1_000;

/// The lease is another's, or nobody can be told: whatever happens next happens elsewhere.
pub(crate) struct Lost;

/// What was told last, and when the run ended where that was its end.
pub(crate) async fn tell(asking: &Asking, mut advance: Advance) -> Result<(Then, Advanced), Lost> {
    loop {
        let fits = fitting(&advance.steps);
        let rest = advance.steps.split_off(fits);
        if rest.is_empty() {
            let advanced = once(asking, &mut advance).await?;
            return Ok((advance.then, advanced));
        }
        let mut first = Advance {
            then: Then::Go,
            consumed: Vec::new(),
            ..advance.clone()
        };
        once(asking, &mut first).await?;
        advance.steps = rest;
    }
}

/// How many of the rows one call takes: at least one.
fn fitting(rows: &[StepRow]) -> usize {
    let mut bytes = 0;
    let fits = |row: &&StepRow| {
        bytes += row.output.as_ref().map_or(0, |output| output.get().len());
        bytes <= MOST_BYTES
    };
    rows.iter()
        .take(MOST_ROWS)
        .take_while(fits)
        .count()
        .max(1)
        .min(rows.len())
}

async fn once(asking: &Asking, advance: &mut Advance) -> Result<Advanced, Lost> {
    let problem = match kept(asking, advance).await {
        Ok(advanced) => return Ok(advanced),
        Err(problem) => problem,
    };
    if matches!(
        problem.code,
        Code::LeaseLost | Code::Unavailable | Code::Timeout
    ) {
        return Err(Lost);
    }
    tracing::error!(
        code = problem.code.as_str(),
        run.id = %advance.run,
        "what a run came to cannot be kept: {problem}"
    );
    // It would come to the same with every holder.
    advance.steps.clear();
    advance.then = Then::Fail(problem);
    // Whether or not this is kept, it ends here.
    let _ = kept(asking, advance).await;
    Err(Lost)
}

async fn kept(asking: &Asking, advance: &Advance) -> Result<Advanced, Problem> {
    asking.hidden("advance", advance).await
}
