//! Hears from dataflow of runs that were cancelled or sent signals, as it happens. Where it is not heard for a while, the
//! next renewal tells.

use std::time::Duration;

use futures_util::StreamExt as _;
use wire::run::Told;
use wire::{ByteStream, Code};

use crate::asking::Asking;
use crate::leases::Leases;
use crate::retry;

/// Dataflow says something more often than that, were it only that it is there.
const SILENCE: Duration = Duration::from_secs(30);
/// What one event is far below of.
const LONGEST_LINE: usize = 1024;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// For ever.
pub(crate) async fn heed(asking: &Asking, leases: &Leases) {
    let mut pause = FIRST_PAUSE;
    loop {
        match asking.listen("heed").await {
            Ok(told) => {
                if hear(told, leases).await {
                    pause = FIRST_PAUSE;
                }
            }
            Err(problem) if problem.code != Code::Unavailable => {
                let code = problem.code.as_str();
                tracing::warn!(code, "news of runs is not heard: {problem}");
            }
            Err(_) => {}
        }
        tokio::time::sleep(pause.mul_f64(0.5 + retry::chance() / 2.0)).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Until the stream ends or falls silent. Whether anything was heard.
async fn hear(mut told: ByteStream, leases: &Leases) -> bool {
    let mut line = Vec::new();
    let mut heard = false;
    while let Ok(Some(Ok(bytes))) = tokio::time::timeout(SILENCE, told.next()).await {
        for byte in bytes {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            let text = String::from_utf8_lossy(&line);
            if let Some(told) = Told::read(&text) {
                heard = true;
                leases.hear(told);
            }
            line.clear();
        }
        if line.len() > LONGEST_LINE {
            break;
        }
    }
    heard
}
