//! Waits for what becomes of a run, wherever it is carried out.

use std::time::{Duration, Instant};

use bytes::Bytes;
use wire::run::{One, Run};
use wire::{Code, Problem};

use crate::asking::{Asking, read};

/// A run that is carried out elsewhere is looked at again after this, and then more and more seldom.
const FIRST: Duration = Duration::from_millis(25);
const LAST: Duration = Duration::from_secs(1);

/// The run, which was begun just now, once it has ended, or as it is at that time.
pub(crate) async fn until_ended(
    asking: &Asking,
    begun: (Run, Bytes),
    until: Instant,
) -> Result<(Run, Bytes), Problem> {
    let id = begun.0.id;
    let listener = asking.app.tidings.listen(id);
    let mut pause = FIRST;
    let mut seen = Some(begun);
    loop {
        let heard = listener.heard_end();
        let (run, answer) = if let Some(seen) = seen.take() {
            seen
        } else {
            let (_, answer) = asking.run("read", &One { id }).await?;
            (read(&answer)?, answer)
        };
        let left = until.saturating_duration_since(Instant::now());
        if run.state.is_final() || left.is_zero() || asking.app.stopping.is_cancelled() {
            return Ok((run, answer));
        }
        tokio::select! {
            () = heard => if let Some(run) = listener.end() {
                // As the node would answer it: whoever began it may see it.
                let answer = encode(&run)?;
                return Ok((run, answer));
            },
            () = asking.app.stopping.cancelled() => {}
            () = tokio::time::sleep(pause.min(left)) => pause = LAST.min(pause * 2),
        }
    }
}

fn encode(run: &Run) -> Result<Bytes, Problem> {
    let json = serde_json::to_vec(run);
    let json = json.map_err(|error| Problem::new(Code::Internal).detail(error.to_string()));
    json.map(Bytes::from)
}
