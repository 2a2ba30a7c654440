//! Streamable HTTP: who asks is found out first, the rest is rmcp's.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use rmcp::model::Tool;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use wire::{Code, Problem, Trace, scope};

use crate::asker::{Asker, Channel};
use crate::beside::Beside;
use crate::face::Face;
use crate::sessions::{ASKER, Rows};
use crate::{guard, metadata, web_socket};

/// A session of the older protocol that nobody uses leaves this process after so long; its row stays.
const IDLE: Duration = Duration::from_mins(30);
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

tokio::task_local! {
    /// What rmcp compares the head's arguments with.
    pub(crate) static CALLED: Option<Tool>;
}

type Service<B> = StreamableHttpService<Face<B>, LocalSessionManager>;

/// What the routes stand on.
pub(crate) struct Door<B> {
    pub(crate) face: Face<B>,
    service: Service<B>,
    /// Answers that are on their way.
    pub(crate) flights: TaskTracker,
    /// Where the paths begin: `/mcp`, `/nexus/mcp`.
    pub(crate) prefix: &'static str,
    pub(crate) sockets: Arc<tokio::sync::Semaphore>,
}

/// `{prefix}` and `{prefix}/{group}`; `/ws` and `/ws/{group}` unless turned off; what RFC 9728 wants to be told.
pub fn router<B: Beside + Clone>(face: Face<B>, prefix: &'static str) -> Router {
    let shared = Arc::clone(&face.shared);
    let (stopping, flights) = (shared.stopping.clone(), TaskTracker::new());
    let ending = CancellationToken::new();
    shared.tasks.spawn({
        let (ending, flights) = (ending.clone(), flights.clone());
        async move {
            stopping.cancelled().await;
            // rmcp ends everything at once: not before all answers are out.
            flights.close();
            flights.wait().await;
            ending.cancel();
        }
    });
    let mut config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        // The guard below looks at both, for every path.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    config.cancellation_token = ending;
    config.max_request_body_bytes = shared.settings.limits.message_bytes;
    let rows = Rows::new(Arc::clone(&shared.calls), Arc::clone(&shared.owners));
    config.session_store = Some(Arc::new(rows));
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.keep_alive = Some(IDLE);
    let of_service = face.clone();
    let service = StreamableHttpService::new(
        move || Ok(of_service.connected()),
        Arc::new(sessions),
        config,
    );
    let (main, web_socket) = (shared.settings.main, shared.settings.web_socket);
    let sockets = tokio::sync::Semaphore::new(shared.settings.limits.connections);
    let door = Arc::new(Door {
        face,
        service,
        flights,
        prefix,
        sockets: Arc::new(sockets),
    });
    let mut router = Router::new()
        .route(prefix, any(all::<B>))
        .route(&format!("{prefix}/{{group}}"), any(one::<B>))
        .route(
            &format!("{}{prefix}", metadata::PATH),
            get(metadata::told::<B>),
        )
        .route(
            &format!("{}{prefix}/{{group}}", metadata::PATH),
            get(metadata::told::<B>),
        );
    if main {
        router = router.route(metadata::PATH, get(metadata::told::<B>));
    }
    if web_socket {
        router = router
            .route("/ws", get(web_socket::all::<B>))
            .route("/ws/{group}", get(web_socket::one::<B>))
            .route(&format!("{}/ws", metadata::PATH), get(metadata::told::<B>));
    }
    router.with_state(door)
}

async fn all<B: Beside + Clone>(State(door): State<Arc<Door<B>>>, request: Request) -> Response {
    door.handle(None, request).await
}

async fn one<B: Beside + Clone>(
    State(door): State<Arc<Door<B>>>,
    Path(group): Path<String>,
    request: Request,
) -> Response {
    door.handle(Some(group.into()), request).await
}

impl<B: Beside + Clone> Door<B> {
    async fn handle(&self, group: Option<Arc<str>>, mut request: Request) -> Response {
        if let Err(refused) = self.guard(request.uri(), request.headers()) {
            return *refused;
        }
        let asker = match self.admit(group, request.headers(), Channel::Http).await {
            Ok(asker) => asker,
            Err(problem) => return self.refuse(&problem, request.headers()),
        };
        if let Err(problem) = self.check_session(&asker, request.headers()).await {
            return self.refuse(&problem, request.headers());
        }
        if let Err(problem) = self.check_scope(&asker, request.headers()).await {
            return self.refuse(&problem, request.headers());
        }
        // Streams of a session have no end of their own, so nobody waits for them.
        let flight = (request.method() == Method::POST).then(|| self.flights.token());
        let called = self.called(&asker, request.headers()).await;
        request.extensions_mut().insert(asker.clone());
        let answered = CALLED.scope(called, self.service.handle(request));
        let response = ASKER.scope(asker, answered).await;
        response.map(|body| {
            Body::new(Flying {
                body,
                _flight: flight,
            })
        })
    }

    /// Before anything else, on every path.
    pub(crate) fn guard(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Box<Response>> {
        let checked = guard::check(uri, headers, &self.face.shared.settings);
        checked.map_err(|problem| Box::new(refusal(&problem, StatusCode::FORBIDDEN)))
    }

    /// Who asks, if they may ask at all.
    pub(crate) async fn admit(
        &self,
        group: Option<Arc<str>>,
        headers: &HeaderMap,
        channel: Channel,
    ) -> Result<Asker, Problem> {
        let shared = &self.face.shared;
        let traced = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let trace = traced.unwrap_or_else(Trace::random);
        let identity = shared.identify(headers, trace).await?;
        if identity.id.is_none() && !shared.settings.anonymous {
            return Err(Problem::new(Code::Unauthenticated)
                .detail("nobody is let in here without a credential")
                .hint(
                    "send `Authorization: Bearer <key or token>`; `gantry keys create` makes a key",
                ));
        }
        let asker = Asker {
            identity,
            group,
            channel,
            trace,
        };
        if asker.group.is_some() {
            shared.offer(&asker).await?;
        }
        Ok(asker)
    }

    /// A session is its owner's: another's id is as good as none.
    async fn check_session(&self, asker: &Asker, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(id) = headers.get(SESSION).and_then(|value| value.to_str().ok()) else {
            return Ok(());
        };
        // The newer protocol knows no sessions and ignores the header.
        let version = headers
            .get("mcp-protocol-version")
            .and_then(|value| value.to_str().ok());
        if version.is_some_and(|version| version >= "2026-07-28") {
            return Ok(());
        }
        let shared = &self.face.shared;
        if shared.owners.owns(&*shared.calls, asker, id).await? {
            return Ok(());
        }
        Err(Problem::new(Code::NotFound).detail("there is no such session; initialize a new one"))
    }

    /// Where the head names a tool that this caller lacks the scope for, HTTP can say so, and clients ask for more.
    async fn check_scope(&self, asker: &Asker, headers: &HeaderMap) -> Result<(), Problem> {
        if self.face.shared.may_write(asker) {
            return Ok(());
        }
        let Some(name) = named(headers) else {
            return Ok(());
        };
        let offer = self.face.shared.offer(asker).await?;
        let writes = offer.would_write(name) || self.face.beside.would_write(name);
        let lacks = !asker.identity.says_write() && writes;
        if offer.action(name).is_some() || !lacks || self.face.beside.has_tool(asker, name).await {
            return Ok(());
        }
        let problem = if asker.identity.id.is_some() {
            Problem::new(Code::InsufficientScope)
        } else {
            Problem::new(Code::Unauthenticated)
        };
        let mut problem = problem
            .detail(format!("`{name}` changes records"))
            .hint(format!(
                "use a credential with the scope `{}`",
                scope::WRITE
            ));
        problem.scope = Some(scope::WRITE.to_owned());
        Err(problem)
    }

    /// The tool that the head names, if arguments of it are headers, too; only what stands beside has such.
    async fn called(&self, asker: &Asker, headers: &HeaderMap) -> Option<Tool> {
        let name = named(headers)?;
        self.face.beside.tool_with_headers(asker, name).await
    }

    /// With what RFC 6750 and RFC 9728 have a client do next.
    pub(crate) fn refuse(&self, problem: &Problem, headers: &HeaderMap) -> Response {
        let status = problem.code.status();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = refusal(problem, status);
        // All that is needed, so that a client asks its issuer once.
        let scopes = match &problem.scope {
            Some(other) if other != scope::READ => format!("{} {other}", scope::READ),
            _ => scope::READ.to_owned(),
        };
        let error = match problem.code {
            Code::Unauthenticated if headers.contains_key(header::AUTHORIZATION) => {
                Some("error=\"invalid_token\", ")
            }
            Code::Unauthenticated => Some(""),
            Code::InsufficientScope => Some("error=\"insufficient_scope\", "),
            _ => None,
        };
        let challenge = error.map(|error| format!("{error}scope=\"{scopes}\""));
        if let Some(challenge) = challenge {
            let base = metadata::base(&self.face.shared.settings, headers);
            let at = format!("{base}{}{}", metadata::PATH, self.prefix);
            let value = format!("Bearer resource_metadata=\"{at}\", {challenge}");
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, value);
            }
        }
        response
    }
}

fn refusal(problem: &Problem, status: StatusCode) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, kind, problem.to_json(None)).into_response()
}

/// A body that counts as on its way until it ended or was given up.
struct Flying<T> {
    body: T,
    _flight: Option<TaskTrackerToken>,
}

impl<T: HttpBody<Data = Bytes> + Unpin> HttpBody for Flying<T> {
    type Data = Bytes;
    type Error = T::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// The tool that is called, as the head says.
fn named(headers: &HeaderMap) -> Option<&str> {
    let method = headers.get(METHOD)?;
    if method != "tools/call" {
        return None;
    }
    headers.get(NAME)?.to_str().ok()
}
