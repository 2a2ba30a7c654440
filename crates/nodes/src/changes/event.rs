//! Changes as server-sent events.

use bytes::Bytes;
use store::Change;

/// After a broken connection a browser asks again so many milliseconds later.
const RETRY_MS: u32 = 1_000;

pub(super) fn change(id: &str, change: &Change) -> Bytes {
    // A model's name is a word, so it stands as it is.
    let Change {
        at,
        model,
        record,
        op,
        version,
        ..
    } = change;
    let op = op.name();
    format!(
        "id: {id}\nevent: change\ndata: {{\"model\":\"{model}\",\"id\":\"{record}\",\"op\":\"{op}\",\
         \"version\":{version},\"at\":\"{at}\"}}\n\n"
    )
    .into()
}

/// The first words: an id without data is where a listener goes on from that hears nothing else.
pub(super) fn greeting(id: &str) -> Bytes {
    format!("retry: {RETRY_MS}\nid: {id}\n\n").into()
}

/// Keeps connections open, and takes the listener's place past what it may not see.
pub(super) fn heartbeat(id: &str) -> Bytes {
    format!(":\nid: {id}\n\n").into()
}

/// Changes were missed: read again whatever is kept of records.
pub(super) fn resync(id: &str) -> Bytes {
    format!("id: {id}\nevent: resync\ndata: {{}}\n\n").into()
}
