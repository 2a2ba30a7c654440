//! A stream of events, as far as it has come.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tokio::time::timeout;

/// How long anything that is bound to be said may take on a slow machine.
const LIMIT: Duration = Duration::from_mins(1);

/// What a body has said so far, which has no end of its own.
pub struct Heard<S> {
    frames: S,
    pub text: String,
}

impl<S, B, E> Heard<S>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
    E: Debug,
{
    pub fn of(frames: S) -> Self {
        Self {
            frames,
            text: String::new(),
        }
    }

    /// # Panics
    ///
    /// Where the stream ends before, or a minute passes.
    pub async fn until(&mut self, word: &str) {
        let hear = async {
            while !self.text.contains(word) {
                let frame = self.frames.next().await.expect("the stream goes on");
                let frame = frame.expect("the stream goes on");
                self.text.push_str(&String::from_utf8_lossy(frame.as_ref()));
            }
        };
        timeout(LIMIT, hear).await.expect(word);
    }
}
