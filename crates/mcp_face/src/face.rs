//! The catalogue as agents get it: who asks, and what they are offered.

use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use rmcp::RoleServer;
use rmcp::model::ErrorData;
use rmcp::service::RequestContext;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::{Caller, Callers, Calls, Code, Identity, Problem, Trace};

use crate::asker::{Asker, Channel};
use crate::audit::{Audit, Observer};
use crate::beside::{Beside, Nothing};
use crate::offer::{Offer, Offers};
use crate::sessions::Owners;
use crate::settings::Settings;
use crate::updates::Followed;
use crate::web_socket::Out;

/// The catalogue behind `calls` as MCP. Cheap to clone.
pub struct Face<B = Nothing> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) beside: B,
    /// For connections on which many requests come, which have no head of their own.
    pub(crate) held: Option<Arc<Held>>,
    /// By the connection that this is for.
    pub(crate) followed: Arc<Followed>,
}

pub(crate) struct Shared {
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) settings: Settings,
    pub(crate) callers: Callers,
    pub(crate) owners: Arc<Owners>,
    pub(crate) stopping: CancellationToken,
    /// What goes on beside requests, each until `stopping`.
    pub(crate) tasks: TaskTracker,
    offers: Offers,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) version: &'static str,
}

/// How a long connection was opened. Who it is is asked anew for each request: a key may be revoked meanwhile.
pub(crate) struct Held {
    pub(crate) headers: HeaderMap,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) channel: Channel,
    /// Of whoever runs the process, instead of a credential.
    pub(crate) caller: Option<Caller>,
    /// Past rmcp, which is not there while a connection is idle.
    pub(crate) line: Option<mpsc::WeakSender<Out>>,
}

impl<B: Clone> Clone for Face<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            beside: self.beside.clone(),
            held: self.held.clone(),
            followed: Arc::clone(&self.followed),
        }
    }
}

impl Face {
    /// `version`: what the server says of itself.
    pub fn new(calls: Arc<dyn Calls>, settings: Settings, version: &'static str) -> Self {
        let shared = Shared {
            calls,
            settings,
            callers: Callers::default(),
            owners: Arc::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            offers: Offers::default(),
            observer: None,
            version,
        };
        Self {
            shared: Arc::new(shared),
            beside: Nothing,
            held: None,
            followed: Arc::default(),
        }
    }

    /// With what else the service offers.
    pub fn beside<B: Beside + Clone>(self, beside: B) -> Face<B> {
        Face {
            shared: self.shared,
            beside,
            held: self.held,
            followed: self.followed,
        }
    }

    /// Operations are told to it.
    #[must_use]
    pub fn observed(self, observer: Arc<dyn Observer>) -> Self {
        self.with(|shared| shared.observer = Some(observer))
    }

    /// When it is cancelled, long connections and streams end.
    #[must_use]
    pub fn until(self, stopping: CancellationToken) -> Self {
        self.with(|shared| shared.stopping = stopping)
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Arc::into_inner(self.shared).expect("a face is made before it is shared");
        change(&mut shared);
        Self {
            shared: Arc::new(shared),
            ..self
        }
    }
}

impl Shared {
    pub(crate) async fn identify(
        &self,
        headers: &HeaderMap,
        trace: Trace,
    ) -> Result<Identity, Problem> {
        self.callers.identify(headers, &*self.calls, trace).await
    }

    pub(crate) fn may_write(&self, asker: &Asker) -> bool {
        self.settings.may_write(&asker.identity)
    }

    pub(crate) async fn offer(&self, asker: &Asker) -> Result<Arc<Offer>, Problem> {
        let catalogue = self.calls.catalogue(&asker.identity.caller).await?;
        let writes = self.may_write(asker);
        let offer = self
            .offers
            .of(&catalogue, asker.group.as_ref(), writes, &self.settings);
        offer.ok_or_else(|| {
            let group = asker.group.as_deref().unwrap_or_default();
            let names = catalogue
                .groups
                .iter()
                .map(|group| format!("`{}`", group.name));
            let names: Vec<_> = names.collect();
            let problem = Problem::new(Code::NoSuchRoute).detail(format!(
                "there is no group `{group}`, or you may see nothing of it"
            ));
            if names.is_empty() {
                problem
            } else {
                problem.hint(format!("groups: {}", names.join(", ")))
            }
        })
    }
}

impl<B: Clone> Face<B> {
    /// For one more connection.
    pub(crate) fn connected(&self) -> Self {
        Self {
            followed: Arc::default(),
            ..self.clone()
        }
    }
}

impl<B: Beside + Clone> Face<B> {
    /// Who asks: as the request's head says, or the connection's.
    pub(crate) async fn asker(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<Asker, ErrorData> {
        let traced = context
            .meta
            .get_traceparent()
            .and_then(|text| text.parse().ok());
        let parts = context.extensions.get::<Parts>();
        if let Some(asker) = parts.and_then(|parts| parts.extensions.get::<Asker>()) {
            let mut asker = asker.clone();
            asker.trace = traced.unwrap_or(asker.trace);
            return Ok(asker);
        }
        let Some(held) = &self.held else {
            return Err(ErrorData::internal_error("nobody knows who asks", None));
        };
        let trace = traced.unwrap_or_else(Trace::random);
        let identity = match &held.caller {
            Some(caller) => Identity {
                caller: caller.clone(),
                id: Some("local".into()),
                scopes: None,
            },
            None => self
                .shared
                .identify(&held.headers, trace)
                .await
                .map_err(|problem| protocol_error(&problem))?,
        };
        Ok(Asker {
            identity,
            group: held.group.clone(),
            channel: held.channel,
            trace,
        })
    }

    pub(crate) async fn offered(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<(Asker, Arc<Offer>), ErrorData> {
        let asker = self.asker(context).await?;
        let offer = self.shared.offer(&asker).await;
        let offer = offer.map_err(|problem| protocol_error(&problem))?;
        Ok((asker, offer))
    }

    pub(crate) fn end<T>(&self, audit: Audit<'_>, outcome: &Result<T, ErrorData>) {
        let code = outcome.as_ref().err().map(|error| error.code.0.to_string());
        audit.end(code.as_deref(), self.shared.observer.as_deref());
    }
}

/// For what has no result that could tell a problem.
pub(crate) fn protocol_error(problem: &Problem) -> ErrorData {
    let data = serde_json::from_slice(&problem.to_json(None)).ok();
    match problem.code {
        Code::NotFound | Code::NoSuchNode => {
            ErrorData::resource_not_found(problem.detail.clone(), data)
        }
        code if code.status() < 500 => ErrorData::invalid_params(problem.detail.clone(), data),
        _ => ErrorData::internal_error(problem.detail.clone(), data),
    }
}
