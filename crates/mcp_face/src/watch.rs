//! Lists change when files reload or rights do: those who listen are told.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CacheScope, ErrorData, SubscriptionFilter};
use rmcp::service::{NotificationContext, Peer, SubscriptionContext};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::asker::Asker;
use crate::beside::Beside;
use crate::face::Face;
use crate::web_socket::Out;

/// How often a listener's lists are looked at. They are in memory, and no service is asked.
const PERIOD: Duration = Duration::from_secs(2);
/// How long clients may keep a list.
const KEEP_MS: u64 = 60_000;

/// What depends on the caller is kept by nobody else.
pub(crate) fn may_be_kept(ttl_ms: &mut Option<u64>, scope: &mut Option<CacheScope>) {
    *ttl_ms = Some(KEEP_MS);
    *scope = Some(CacheScope::Private);
}

pub(crate) fn accepted() -> SubscriptionFilter {
    SubscriptionFilter::builder()
        .tools_list_changed()
        .prompts_list_changed()
        .resources_list_changed()
        .build()
}

/// The catalogue's version, as this caller sees it; `None` while it cannot be had.
async fn version<B: Beside + Clone>(face: &Face<B>, asker: &Asker) -> Option<String> {
    let catalogue = face.shared.calls.catalogue(&asker.identity.caller).await;
    Some(catalogue.ok()?.version.clone())
}

/// `subscriptions/listen` of the newer protocol.
pub(crate) async fn listen<B: Beside + Clone>(
    face: &Face<B>,
    context: SubscriptionContext,
) -> Result<(), ErrorData> {
    let mut last = None;
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let sink = context.sink().clone();
    loop {
        tokio::select! {
            () = context.cancelled() => return Ok(()),
            () = face.shared.stopping.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        // Anew each time: an assertion runs out.
        let asker = renewed(face, context.request_context()).await?;
        let Some(now) = version(face, &asker).await else {
            continue;
        };
        if last
            .replace(now.clone())
            .is_some_and(|before| before != now)
        {
            // What was not asked for is refused by the sink, and one that is gone ends the wait above.
            let _ = sink.notify_tool_list_changed().await;
            let _ = sink.notify_prompt_list_changed().await;
            let _ = sink.notify_resource_list_changed().await;
        }
    }
}

async fn renewed<B: Beside + Clone>(
    face: &Face<B>,
    context: &rmcp::service::RequestContext<RoleServer>,
) -> Result<Asker, ErrorData> {
    let mut asker = face.asker(context).await?;
    let parts = context.extensions.get::<http::request::Parts>();
    if let Some(parts) = parts {
        let identity = face.shared.identify(&parts.headers, asker.trace).await;
        asker.identity = identity.map_err(|problem| crate::face::protocol_error(&problem))?;
    }
    Ok(asker)
}

/// Of a head what is needed to know who asks; a copy, since a value that came from a socket keeps all that was read with
/// it, which is 16 KiB.
pub(crate) fn credential(headers: &http::HeaderMap) -> http::HeaderMap {
    let value = headers.get(http::header::AUTHORIZATION);
    let copied = value.and_then(|value| http::HeaderValue::from_bytes(value.as_bytes()).ok());
    let header = copied.map(|value| (http::header::AUTHORIZATION, value));
    header.into_iter().collect()
}

/// Who is told, and how.
enum Listener {
    Peer(Peer<RoleServer>),
    Line(mpsc::WeakSender<Out>),
}

impl Listener {
    fn is_gone(&self) -> bool {
        match self {
            Self::Peer(peer) => peer.is_transport_closed(),
            Self::Line(line) => line.upgrade().is_none(),
        }
    }

    /// One that is gone is noticed at the next look.
    async fn tell(&self) {
        match self {
            Self::Peer(peer) => {
                let _ = peer.notify_tool_list_changed().await;
                let _ = peer.notify_prompt_list_changed().await;
                let _ = peer.notify_resource_list_changed().await;
            }
            Self::Line(line) => {
                let Some(line) = line.upgrade() else { return };
                for list in ["tools", "prompts", "resources"] {
                    let method = format!("notifications/{list}/list_changed");
                    let text = json!({"jsonrpc": "2.0", "method": method}).to_string();
                    let _ = line.send(Out::Message(text)).await;
                }
            }
        }
    }
}

/// Sessions of the older protocol are told without asking.
pub(crate) fn follow<B: Beside + Clone>(face: &Face<B>, context: NotificationContext<RoleServer>) {
    let face = face.clone();
    let headers = context.extensions.get::<http::request::Parts>();
    let headers = headers.map(|parts| credential(&parts.headers));
    let headers = headers.or_else(|| face.held.as_ref().map(|held| held.headers.clone()));
    let held = face.held.as_ref().and_then(|held| held.caller.clone());
    let line = face.held.as_ref().and_then(|held| held.line.clone());
    let listener = line.map_or(Listener::Peer(context.peer), Listener::Line);
    let tasks = face.shared.tasks.clone();
    tasks.spawn(async move {
        let mut last = None;
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = face.shared.stopping.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if listener.is_gone() {
                return;
            }
            let caller = match (&held, &headers) {
                (Some(caller), _) => caller.clone(),
                (None, Some(headers)) => {
                    // On the heap, as what follows: most of the time nothing of it is needed.
                    let asked = face.shared.identify(headers, wire::Trace::random());
                    match Box::pin(asked).await {
                        Ok(identity) => identity.caller,
                        Err(_) => continue,
                    }
                }
                (None, None) => return,
            };
            let Ok(catalogue) = face.shared.calls.catalogue(&caller).await else {
                continue;
            };
            let now = catalogue.version.clone();
            if last
                .replace(now.clone())
                .is_some_and(|before| before != now)
            {
                Box::pin(listener.tell()).await;
            }
        }
    });
}
