//! Lists change when files reload or rights do: those who listen are told.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CacheScope, ErrorData, SubscriptionFilter};
use rmcp::service::{NotificationContext, SubscriptionContext};
use tokio::time::{MissedTickBehavior, interval};

use crate::asker::Asker;
use crate::beside::Beside;
use crate::face::Face;

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

/// Of a head what is needed to know who asks.
pub(crate) fn credential(headers: &http::HeaderMap) -> http::HeaderMap {
    let value = headers.get(http::header::AUTHORIZATION);
    let header = value.map(|value| (http::header::AUTHORIZATION, value.clone()));
    header.into_iter().collect()
}

/// Sessions of the older protocol are told without asking.
pub(crate) fn follow<B: Beside + Clone>(face: &Face<B>, context: NotificationContext<RoleServer>) {
    let face = face.clone();
    let headers = context.extensions.get::<http::request::Parts>();
    let headers = headers.map(|parts| credential(&parts.headers));
    let headers = headers.or_else(|| face.held.as_ref().map(|held| held.headers.clone()));
    let held = face.held.as_ref().and_then(|held| held.caller.clone());
    let peer = context.peer;
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
            if peer.is_transport_closed() {
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
                let _ = Box::pin(peer.notify_tool_list_changed()).await;
                let _ = Box::pin(peer.notify_prompt_list_changed()).await;
                let _ = Box::pin(peer.notify_resource_list_changed()).await;
            }
        }
    });
}
