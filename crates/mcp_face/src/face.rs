//! The face as rmcp knows it: each request of the protocol, answered from the catalogue.

#![expect(
    deprecated,
    reason = "what the older protocol has is passed on to what stands beside"
)]

use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
    CompleteRequestParams, CompleteResult, ErrorData, GetPromptRequestParams, GetPromptResponse,
    GetTaskParams, GetTaskResult, Implementation, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;
use wire::{Caller, Callers, Calls, Code, Identity, Problem, Trace};

use crate::asker::{Asker, Channel};
use crate::audit::{Audit, Observer};
use crate::beside::{Beside, Nothing};
use crate::instructions::INSTRUCTIONS;
use crate::offer::{Offer, Offers};
use crate::reply::refused;
use crate::sessions::Owners;
use crate::settings::{Settings, Writes};
use crate::{complete, prompts, resources, tools, watch};

/// The catalogue behind `calls` as MCP. Cheap to clone.
pub struct Face<B = Nothing> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) beside: B,
    /// For connections on which many requests come, which have no head of their own.
    pub(crate) held: Option<Arc<Held>>,
}

pub(crate) struct Shared {
    pub(crate) calls: Arc<dyn Calls>,
    pub(crate) settings: Settings,
    pub(crate) callers: Callers,
    pub(crate) owners: Arc<Owners>,
    pub(crate) stopping: CancellationToken,
    offers: Offers,
    observer: Option<Arc<dyn Observer>>,
    version: &'static str,
}

/// How a long connection was opened. Who it is is asked anew for each request: a key may be revoked meanwhile.
pub(crate) struct Held {
    pub(crate) headers: HeaderMap,
    pub(crate) group: Option<Arc<str>>,
    pub(crate) channel: Channel,
    /// Of whoever runs the process, instead of a credential.
    pub(crate) caller: Option<Caller>,
}

impl<B: Clone> Clone for Face<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            beside: self.beside.clone(),
            held: self.held.clone(),
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
            offers: Offers::default(),
            observer: None,
            version,
        };
        Self {
            shared: Arc::new(shared),
            beside: Nothing,
            held: None,
        }
    }

    /// With what else the service offers.
    pub fn beside<B: Beside + Clone>(self, beside: B) -> Face<B> {
        Face {
            shared: self.shared,
            beside,
            held: self.held,
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
        match self.settings.writes {
            Writes::Scoped => asker.identity.says_write(),
            Writes::Everyone => true,
            Writes::Nobody => false,
        }
    }

    pub(crate) async fn offer(&self, asker: &Asker) -> Result<Arc<Offer>, Problem> {
        let catalogue = self.calls.catalogue(&asker.identity.caller).await?;
        let writes = self.may_write(asker);
        let limits = &self.settings.limits;
        let offer = self
            .offers
            .of(&catalogue, asker.group.as_ref(), writes, limits);
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

    async fn offered(
        &self,
        context: &RequestContext<RoleServer>,
    ) -> Result<(Asker, Arc<Offer>), ErrorData> {
        let asker = self.asker(context).await?;
        let offer = self.shared.offer(&asker).await;
        let offer = offer.map_err(|problem| protocol_error(&problem))?;
        Ok((asker, offer))
    }

    fn end<T>(&self, audit: Audit<'_>, outcome: &Result<T, ErrorData>) {
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

fn protocol_of(context: &RequestContext<RoleServer>) -> String {
    let version = context.protocol_version();
    version.map_or_else(String::new, |version| version.as_str().to_owned())
}

impl<B: Beside + Clone> ServerHandler for Face<B> {
    fn get_info(&self) -> ServerConfig {
        let other = self.beside.get_info().capabilities;
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_completions()
            .build();
        capabilities.logging = other.logging;
        capabilities.experimental = other.experimental;
        capabilities.extensions = other.extensions;
        if let (Some(own), Some(other)) = (&mut capabilities.resources, other.resources) {
            own.subscribe = other.subscribe;
        }
        let server = Implementation::new("gantry", self.shared.version).with_title("Gantry");
        ServerConfig::new(capabilities)
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asker = self.asker(&context).await?;
        let offer = match self.shared.offer(&asker).await {
            Ok(offer) => offer,
            Err(problem) => return Ok(refused(&problem).into()),
        };
        let protocol = protocol_of(&context);
        let known = offer.action(&request.name);
        if known.is_none() && self.beside.get_tool(&request.name).is_some() {
            let name = request.name.clone();
            let audit = Audit::begin(&asker, "tools/call", Some(&name), &protocol);
            let outcome = self.beside.call_tool(request, context).await;
            self.end(audit, &outcome);
            return outcome;
        }
        let name = request.name.clone();
        let tool = known.is_some().then_some(&*name);
        let audit = Audit::begin(&asker, "tools/call", tool, &protocol);
        let Some(action) = known else {
            let outcome = tools::unknown(&asker, &offer, &name);
            match &outcome {
                Ok(_) => audit.end(Some("insufficient_scope"), self.shared.observer.as_deref()),
                Err(_) => self.end(audit, &outcome),
            }
            return outcome.map(Into::into);
        };
        let outcome = tools::call(&self.shared, &asker, &offer, action, request, &context).await;
        let (response, error) = match outcome {
            Ok(response) => (response, None),
            Err(problem) => {
                let result: CallToolResult = refused(&problem);
                (result.into(), Some(problem.code.as_str()))
            }
        };
        audit.end(error, self.shared.observer.as_deref());
        Ok(response)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "tools/list", None, &protocol);
        let mut tools = offer.tools.clone();
        if self.beside.get_info().capabilities.tools.is_some() {
            let other = self.beside.list_tools(request, context).await;
            tools.extend(other?.tools);
        }
        let mut result = ListToolsResult::with_all_items(tools);
        watch::may_be_kept(&mut result.ttl_ms, &mut result.cache_scope);
        let outcome = Ok(result);
        self.end(audit, &outcome);
        outcome
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let mut all = resources::list(&asker, &offer);
        if self.beside.get_info().capabilities.resources.is_some() {
            all.extend(
                self.beside
                    .list_resources(request, context)
                    .await?
                    .resources,
            );
        }
        let mut result = ListResourcesResult::with_all_items(all);
        watch::may_be_kept(&mut result.ttl_ms, &mut result.cache_scope);
        Ok(result)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut all = resources::templates();
        if self.beside.get_info().capabilities.resources.is_some() {
            let other = self
                .beside
                .list_resource_templates(request, context)
                .await?;
            all.extend(other.resource_templates);
        }
        let mut result = ListResourceTemplatesResult::with_all_items(all);
        watch::may_be_kept(&mut result.ttl_ms, &mut result.cache_scope);
        Ok(result)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if !resources::is_ours(&request.uri) {
            if self.beside.get_info().capabilities.resources.is_some() {
                return self.beside.read_resource(request, context).await;
            }
            let detail = format!("there is no resource `{}`", request.uri);
            return Err(ErrorData::resource_not_found(detail, None));
        }
        let (asker, offer) = self.offered(&context).await?;
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "resources/read", None, &protocol);
        let outcome = resources::read(&self.shared, &asker, &offer, &request.uri).await;
        let outcome = outcome.map_err(|problem| protocol_error(&problem));
        self.end(audit, &outcome);
        let mut result = outcome?;
        watch::may_be_kept(&mut result.ttl_ms, &mut result.cache_scope);
        Ok(result.into())
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let (_, offer) = self.offered(&context).await?;
        let mut all = prompts::list(&offer);
        if self.beside.get_info().capabilities.prompts.is_some() {
            all.extend(self.beside.list_prompts(request, context).await?.prompts);
        }
        let mut result = ListPromptsResult::with_all_items(all);
        watch::may_be_kept(&mut result.ttl_ms, &mut result.cache_scope);
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "prompts/get", None, &protocol);
        let outcome = match prompts::get(&offer, &request) {
            Some(outcome) => outcome.map(Into::into),
            None if self.beside.get_info().capabilities.prompts.is_some() => {
                self.beside.get_prompt(request, context).await
            }
            None => {
                let detail = format!("there is no prompt `{}`", request.name);
                Err(ErrorData::invalid_params(detail, None))
            }
        };
        self.end(audit, &outcome);
        outcome
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let (_, offer) = self.offered(&context).await?;
        match complete::complete(&offer, &request) {
            Some(result) => Ok(result),
            None => self.beside.complete(request, context).await,
        }
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.beside.set_level(request, context).await
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.beside.subscribe(request, context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.beside.unsubscribe(request, context).await
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.beside.get_task(request, context).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.beside.update_task(request, context).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.beside.cancel_task(request, context).await
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(match self.beside.accepted_subscription_filter(requested) {
            Some(other) if B::LISTENS => other,
            _ => watch::accepted(),
        })
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        if B::LISTENS {
            return self.beside.listen(context).await;
        }
        watch::listen(self, context).await
    }

    async fn on_initialized(&self, context: rmcp::service::NotificationContext<RoleServer>) {
        self.beside.on_initialized(context.clone()).await;
        watch::follow(self, context);
    }
}
