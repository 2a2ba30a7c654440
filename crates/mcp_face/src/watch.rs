//! Lists change when files reload or rights do: those who listen are told.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{CacheScope, ErrorData, SubscriptionFilter};
use rmcp::service::{NotificationContext, SubscriptionContext};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use wire::Caller;

use crate::beside::Beside;
use crate::face::{Face, Shared, protocol_error};
use crate::listener::Listener;
use crate::standing::Standing;
use crate::updates;

/// How often the lists of those are looked at who did not ask to be told. They are in memory, and no service is asked.
const PERIOD: Duration = Duration::from_secs(2);
/// Of those who did.
const SHORT: Duration = Duration::from_millis(200);
/// How long clients may keep a list.
const KEEP_MS: u64 = 60_000;

/// What depends on the caller is kept by nobody else.
pub(crate) fn may_be_kept(ttl_ms: &mut Option<u64>, scope: &mut Option<CacheScope>) {
    *ttl_ms = Some(KEEP_MS);
    *scope = Some(CacheScope::Private);
}

/// All of it; of an address at which there is nothing no change is ever told.
pub(crate) fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let all = SubscriptionFilter::builder()
        .tools_list_changed()
        .prompts_list_changed()
        .resources_list_changed();
    let mut all = all.build();
    all.resource_subscriptions
        .clone_from(&requested.resource_subscriptions);
    all
}

/// When to look, for those who asked and for others.
pub(crate) fn looks(asked: bool) -> Interval {
    let mut ticks = interval(if asked { SHORT } else { PERIOD });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// What a caller sees of the catalogue, compared with what it saw before.
#[derive(Default)]
pub(crate) struct Seen(Option<String>);

impl Seen {
    /// Whether it is another than before; not the first time, nor while it cannot be had.
    pub(crate) async fn changed(&mut self, shared: &Shared, caller: &Caller) -> bool {
        let Ok(catalogue) = shared.calls.catalogue(caller).await else {
            return false;
        };
        let now = &catalogue.version;
        if self.0.as_ref() == Some(now) {
            return false;
        }
        self.0.replace(now.clone()).is_some()
    }
}

/// `subscriptions/listen` of the newer protocol.
pub(crate) async fn listen<B: Beside + Clone>(
    face: &Face<B>,
    context: SubscriptionContext,
) -> Result<(), ErrorData> {
    let request = context.request_context();
    let listener = Listener::Sink(context.sink().clone());
    let ended = CancellationToken::new();
    let _until_then = ended.clone().drop_guard();
    let followed = context.accepted().resource_subscriptions.as_deref();
    let followed = followed.unwrap_or_default();
    updates::check_number(followed.len())?;
    for uri in followed {
        updates::follow(face, uri, request, listener.clone(), &ended).await?;
    }
    let nobody = || ErrorData::internal_error("nobody knows who asks", None);
    let standing = Standing::of(face, &request.extensions).ok_or_else(nobody)?;
    let (mut seen, mut looks) = (Seen::default(), looks(true));
    loop {
        tokio::select! {
            () = context.cancelled() => return Ok(()),
            () = face.shared.stopping.cancelled() => return Ok(()),
            _ = looks.tick() => {}
        }
        let caller = standing.caller(&face.shared).await;
        let caller = caller.map_err(|problem| protocol_error(&problem))?;
        if seen.changed(&face.shared, &caller).await {
            listener.lists_changed().await;
        }
    }
}

/// Sessions of the older protocol are told without asking.
pub(crate) fn follow<B: Beside + Clone>(face: &Face<B>, context: NotificationContext<RoleServer>) {
    let Some(standing) = Standing::of(face, &context.extensions) else {
        return;
    };
    let listener = Listener::of(face, context.peer);
    let shared = std::sync::Arc::clone(&face.shared);
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        let (mut seen, mut looks) = (Seen::default(), looks(false));
        loop {
            tokio::select! {
                () = shared.stopping.cancelled() => return,
                _ = looks.tick() => {}
            }
            if listener.is_gone() {
                return;
            }
            let Ok(caller) = standing.caller(&shared).await else {
                continue;
            };
            if seen.changed(&shared, &caller).await {
                Box::pin(listener.lists_changed()).await;
            }
        }
    });
}
