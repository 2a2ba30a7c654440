//! Sessions in Redis: what was read of one may be told again for a moment, on every replica, to its owner.
//!
//! The row is the truth. A write gives the session a new epoch after its commit and before its answer, so that nothing that
//! was kept before is told any more. Where Redis does not take that, what others have kept is let run out before the write
//! is answered. So whoever reads behind an answered write, wherever, never sees what was before it. That stands on clocks
//! of replicas that differ by less than [`SKEW`]; by as much as they differ more, a read may be of the past.

use std::collections::BTreeSet;
use std::time::Duration;

use cache::{Cache, Change, Looked};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use store::{Error, SessionName, SessionRow};

use crate::answers::Touched;
use crate::context::Context;
use crate::door::Door;

/// How long it may be told again.
const HOT: Duration = Duration::from_secs(1);
/// By how much clocks may differ.
const SKEW: Duration = Duration::from_secs(1);

/// The session as it is now, for whoever only reads it.
pub(super) async fn find(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    name: &SessionName,
) -> Result<Option<SessionRow>, Error> {
    let Some(cache) = cache(cx).filter(|_| door.is_direct()) else {
        return door.find_session(name, cx.now).await;
    };
    let asked = Timestamp::now();
    let ticket = match cache.look(key(name), &[&epoch(name)]).await {
        Looked::Found(kept) => {
            if let Some(row) = read(&kept).filter(|row| row.expires_at > cx.now) {
                return Ok(Some(row));
            }
            None
        }
        Looked::Missed(ticket) => Some(ticket),
        Looked::Off => None,
    };
    let found = door.find_session(name, cx.now).await?;
    if let (Some(ticket), Some(row)) = (ticket, &found) {
        cache.keep(ticket, &written(row, asked), HOT).await;
    }
    Ok(found)
}

/// It lives longer. Who still has the earlier end asks the row once that has come, so nobody waits for them.
pub(super) async fn extend(
    cx: &Context<'_>,
    door: &mut Door<'_>,
    name: &SessionName,
    until: Timestamp,
) -> Result<(), Error> {
    let change = change(cx, name).filter(|_| door.is_direct());
    let extended = door.extend_session(name, until).await;
    if let Some(change) = change {
        change.done().await;
    }
    extended
}

/// Begun before a write that commits by itself.
pub(super) fn change<'a>(cx: &Context<'a>, name: &SessionName) -> Option<Change<'a>> {
    let mut change = cache(cx)?.change();
    change.concerns(&epoch(name));
    Some(change)
}

/// The write may be answered now.
pub(super) async fn told(change: Option<Change<'_>>) {
    if let Some(change) = change
        && !change.done().await
    {
        run_out().await;
    }
}

/// What a transaction is told that writes to the session.
pub(super) fn touched(cx: &Context<'_>, name: &SessionName) -> Touched {
    let named = cache(cx).map(|_| epoch(name));
    named.into_iter().collect()
}

/// Whether one of these is a session.
pub(crate) fn are_hot(touched: &BTreeSet<String>) -> bool {
    touched.iter().any(|name| name.starts_with(cache::SHORT))
}

/// Until nobody tells any more what was kept before.
pub(crate) async fn run_out() {
    tokio::time::sleep(HOT + SKEW).await;
}

/// Where sessions of all replicas are; one that is alone has the row nearer.
fn cache<'a>(cx: &Context<'a>) -> Option<&'a Cache> {
    cx.answers.cache.filter(|cache| cache.is_remote())
}

/// The owner is part of it: another's is never found.
fn key(name: &SessionName) -> cache::Key {
    let mut hash = Sha256::new();
    for part in ["session", &name.kind, &name.id, &name.owner] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn epoch(name: &SessionName) -> String {
    format!("{}{}:{}", cache::SHORT, name.kind, name.id)
}

/// With the moment before which the row was not asked for: a server that was held up may keep it much later.
fn written(row: &SessionRow, asked: Timestamp) -> Vec<u8> {
    let (created, expires) = (row.created_at, row.expires_at);
    format!("{asked} {} {created} {expires} {}", row.ttl, row.state).into_bytes()
}

/// Nothing where it is too old, or none of ours.
fn read(kept: &[u8]) -> Option<SessionRow> {
    let mut parts = std::str::from_utf8(kept).ok()?.splitn(5, ' ');
    let asked: Timestamp = parts.next()?.parse().ok()?;
    if Timestamp::now().duration_since(asked).unsigned_abs() > HOT {
        return None;
    }
    Some(SessionRow {
        ttl: parts.next()?.parse().ok()?,
        created_at: parts.next()?.parse().ok()?,
        expires_at: parts.next()?.parse().ok()?,
        state: parts.next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_told_as_it_was_and_not_for_long() {
        let now = Timestamp::now();
        let row = SessionRow {
            state: r#"{"a b": "c  d"}"#.to_owned(),
            ttl: 60,
            created_at: now,
            expires_at: now + Duration::from_mins(1),
        };
        assert_eq!(read(&written(&row, now)), Some(row.clone()));
        for away in [HOT * 2, SKEW * 60] {
            assert_eq!(read(&written(&row, now - away)), None);
            assert_eq!(read(&written(&row, now + away)), None);
        }
        assert_eq!(read(b"anything else"), None);
    }
}
