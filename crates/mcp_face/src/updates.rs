//! Resources that clients follow: they are told when a record that one is made of changes, or its file does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use rmcp::RoleServer;
use rmcp::model::ErrorData;
use rmcp::service::RequestContext;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use wire::{Body, Call, Content, Media, NodeName, Problem};

use crate::beside::Beside;
use crate::face::{Face, Shared};
use crate::listener::Listener;
use crate::resources::{self, no_resource};
use crate::standing::Standing;
use crate::watch::{Seen, looks};

/// Resources that one connection may follow.
const MOST: usize = 64;
/// Changes within this time are told once; so long is waited before changes are asked for again, too.
const PAUSE: Duration = Duration::from_secs(1);
/// Of an event; what has no end by then is none of ours.
const LARGEST_EVENT: usize = 64 << 10;

/// What a connection of the older protocol follows, by address.
#[derive(Default)]
pub(crate) struct Followed(Mutex<HashMap<String, CancellationToken>>);

impl Followed {
    /// `None`: it is followed already.
    fn begin(&self, uri: &str) -> Result<Option<CancellationToken>, ErrorData> {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.contains_key(uri) {
            return Ok(None);
        }
        check_number(followed.len() + 1)?;
        let ended = CancellationToken::new();
        followed.insert(uri.to_owned(), ended.clone());
        Ok(Some(ended))
    }

    pub(crate) fn end(&self, uri: &str) {
        let mut followed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ended) = followed.remove(uri) {
            ended.cancel();
        }
    }
}

/// Of resources that one connection follows.
pub(crate) fn check_number(number: usize) -> Result<(), ErrorData> {
    if number <= MOST {
        return Ok(());
    }
    let message = format!("a connection follows {MOST} resources at most");
    Err(ErrorData::invalid_params(message, None))
}

/// `resources/subscribe`, until it is taken back or the connection ends.
pub(crate) async fn subscribe<B: Beside + Clone>(
    face: &Face<B>,
    uri: &str,
    context: &RequestContext<RoleServer>,
) -> Result<(), ErrorData> {
    let Some(ended) = face.followed.begin(uri)? else {
        return Ok(());
    };
    let listener = Listener::of(face, context.peer.clone());
    let begun = follow(face, uri, context, listener, &ended).await;
    let missing = || Err(no_resource(uri));
    let begun = begun.and_then(|known| if known { Ok(()) } else { missing() });
    if begun.is_err() {
        face.followed.end(uri);
    }
    begun
}

/// Tells of each change until `ended`. Whether there is such a resource.
pub(crate) async fn follow<B: Beside + Clone>(
    face: &Face<B>,
    uri: &str,
    context: &RequestContext<RoleServer>,
    listener: Listener,
    ended: &CancellationToken,
) -> Result<bool, ErrorData> {
    let (asker, offer) = face.offered(context).await?;
    let models = if resources::is_ours(uri) {
        // What they tell is in the catalogue, but for what changes all the time.
        resources::is_listed(&asker, &offer, uri).then(Vec::new)
    } else {
        face.beside.reads(&asker, uri).await
    };
    let (Some(models), Some(standing)) = (models, Standing::of(face, &context.extensions)) else {
        return Ok(false);
    };
    let following = Following {
        shared: Arc::clone(&face.shared),
        standing,
        listener,
        uri: uri.to_owned(),
    };
    let ended = ended.clone();
    face.shared.tasks.spawn(async move {
        tokio::select! {
            () = ended.cancelled() => {}
            () = following.shared.stopping.cancelled() => {}
            () = following.file() => {}
            () = following.records(&models) => {}
        }
    });
    Ok(true)
}

struct Following {
    shared: Arc<Shared>,
    standing: Standing,
    listener: Listener,
    uri: String,
}

impl Following {
    /// Tells when what is offered changes, until nobody listens.
    async fn file(&self) {
        let (mut seen, mut looks) = (Seen::default(), looks(false));
        loop {
            looks.tick().await;
            if self.listener.is_gone() {
                return;
            }
            let Ok(caller) = self.standing.caller(&self.shared).await else {
                continue;
            };
            if seen.changed(&self.shared, &caller).await {
                self.listener.resource_updated(&self.uri).await;
            }
        }
    }

    /// Tells when records change; never ends.
    async fn records(&self, models: &[String]) {
        let mut since = None;
        loop {
            if models.is_empty() {
                return std::future::pending().await;
            }
            if let Err(problem) = self.heard(models, &mut since).await {
                tracing::debug!(
                    code = problem.code.as_str(),
                    uri = self.uri,
                    "Changes cannot be heard"
                );
            }
            sleep(PAUSE).await;
        }
    }

    /// Until the stream ends.
    async fn heard(&self, models: &[String], since: &mut Option<String>) -> Result<(), Problem> {
        let caller = self.standing.caller(&self.shared).await?;
        let mut input = json!({"model": models});
        if let Some(since) = since {
            input["since"] = json!(since);
        }
        let node: NodeName = "changes".parse().expect("it is a node's name");
        let mut call = Call::new(node, caller, Body::json(input.to_string()));
        call.options.accept = Media::EventStream;
        let Content::Stream(mut stream) = self.shared.calls.call(call).await?.body.content else {
            return Ok(());
        };
        let mut events = Events::default();
        let (mut news, mut next) = (false, Instant::now());
        loop {
            tokio::select! {
                part = stream.next() => {
                    let Some(part) = part else { return Ok(()) };
                    news |= events.take(&part?, since);
                }
                () = sleep_until(next), if news => {
                    self.listener.resource_updated(&self.uri).await;
                    (news, next) = (false, Instant::now() + PAUSE);
                }
            }
        }
    }
}

/// Server-sent events, as far as they have come.
#[derive(Default)]
struct Events(Vec<u8>);

impl Events {
    /// Whether one tells of a change; `since` is where the last one stands.
    fn take(&mut self, part: &[u8], since: &mut Option<String>) -> bool {
        self.0.extend_from_slice(part);
        let mut news = false;
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.0.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            news |= line.starts_with("event:");
            if let Some(id) = line.strip_prefix("id:") {
                *since = Some(id.trim().to_owned());
            }
        }
        if self.0.len() > LARGEST_EVENT {
            self.0.clear();
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_parts() {
        let (mut events, mut since) = (Events::default(), None);
        assert!(!events.take(b"retry: 1000\nid: a\n\n", &mut since));
        assert_eq!(since.as_deref(), Some("a"));
        assert!(!events.take(b"id: b\nevent: cha", &mut since));
        assert!(events.take(b"nge\ndata: {}\n\n:\nid: c\n\n", &mut since));
        assert_eq!(since.as_deref(), Some("c"));
        assert!(!events.take(b":\nid: d\n\n", &mut since));
    }
}
