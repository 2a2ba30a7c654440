//! Waits for what becomes of a run, wherever it is carried out.

use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;
use wire::Problem;
use wire::run::{One, Run};

use crate::asked::{Asked, read};

/// A run that is carried out elsewhere is looked at again after this, and then more and more seldom.
const FIRST: Duration = Duration::from_millis(25);
const LAST: Duration = Duration::from_secs(1);

/// The run once it has ended, or as it is at that time.
pub(crate) async fn until_ended(
    asked: &Asked,
    id: Uuid,
    until: Instant,
) -> Result<(Run, Bytes), Problem> {
    let listener = asked.app.tidings.listen(id);
    let mut pause = FIRST;
    loop {
        let heard = listener.heard();
        let (_, answer) = asked.run("read", &One { id }).await?;
        let run: Run = read(&answer)?;
        let left = until.saturating_duration_since(Instant::now());
        if run.state.is_final() || left.is_zero() || asked.app.stopping.is_cancelled() {
            return Ok((run, answer));
        }
        tokio::select! {
            () = heard => {}
            () = asked.app.stopping.cancelled() => {}
            () = tokio::time::sleep(pause.min(left)) => pause = LAST.min(pause * 2),
        }
    }
}
