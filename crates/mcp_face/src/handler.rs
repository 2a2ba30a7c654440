//! Each request of the protocol, answered from the catalogue or by what stands beside.

#![expect(
    deprecated,
    reason = "what the older protocol has is passed on to what stands beside"
)]

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
    CompleteRequestParams, CompleteResult, ErrorData, GetPromptRequestParams, GetPromptResponse,
    GetTaskParams, GetTaskResult, Implementation, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};

use crate::audit::Audit;
use crate::beside::Beside;
use crate::face::{Face, protocol_error};
use crate::http::CALLED;
use crate::instructions::INSTRUCTIONS;
use crate::reply::refused;
use crate::{complete, prompts, resources, tools, updates, watch};

fn protocol_of(context: &RequestContext<RoleServer>) -> String {
    let version = context.protocol_version();
    version.map_or_else(String::new, |version| version.as_str().to_owned())
}

impl<B: Beside + Clone> Face<B> {
    async fn called(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asker = self.asker(&context).await?;
        let offer = match self.shared.offer(&asker).await {
            Ok(offer) => offer,
            Err(problem) => return Ok(refused(&problem).into()),
        };
        let protocol = protocol_of(&context);
        let known = offer.action(&request.name);
        if known.is_none() && self.beside.has_tool(&asker, &request.name).await {
            let name = request.name.clone();
            context.extensions.insert(asker.clone());
            let audit = Audit::begin(&asker, "tools/call", Some(&name), &protocol);
            let outcome = self.beside.call_tool(request, context).await;
            self.end(audit, &outcome);
            return outcome;
        }
        let name = request.name.clone();
        let tool = known.is_some().then_some(&*name);
        let audit = Audit::begin(&asker, "tools/call", tool, &protocol);
        let Some(action) = known else {
            let outcome = if self.shared.may_write(&asker) {
                Err(tools::unknown(&offer, &name))
            } else {
                let writes = offer.would_write(&name) || self.beside.would_write(&name);
                tools::not_offered(&asker, &offer, &name, writes)
            };
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
}

impl<B: Beside + Clone> ServerHandler for Face<B> {
    fn get_info(&self) -> ServerConfig {
        let beside = self.beside.get_info();
        let other = beside.capabilities;
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_completions()
            .build();
        capabilities.logging = other.logging;
        capabilities.experimental = other.experimental;
        capabilities.extensions = other.extensions;
        let server = Implementation::new("gantry", self.shared.version).with_title("Gantry");
        ServerConfig::new(capabilities)
            .with_server_info(server)
            .with_instructions(beside.instructions.as_deref().unwrap_or(INSTRUCTIONS))
    }

    /// In a box: rmcp moves what it answers with about, and this is what most callers ask for.
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Box::pin(self.called(request, context)).await
    }

    /// rmcp compares headers with the arguments that a schema says are headers, too, and asks for it here, where it cannot
    /// tell who calls.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let called = CALLED.try_with(Clone::clone).ok().flatten();
        called.filter(|tool| tool.name == name)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        mut context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "tools/list", None, &protocol);
        let mut tools = offer.tools.clone();
        if self.beside.get_info().capabilities.tools.is_some() {
            context.extensions.insert(asker.clone());
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
        mut context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let mut all = resources::list(&asker, &offer);
        context.extensions.insert(asker);
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
        mut context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let mut all = resources::templates(&offer);
        if self.beside.get_info().capabilities.resources.is_some() {
            context.extensions.insert(asker);
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
        mut context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "resources/read", None, &protocol);
        let uri = request.uri.clone();
        let outcome = if resources::is_ours(&uri) {
            let read = resources::read(&self.shared, &asker, &offer, &uri).await;
            read.map(Into::into)
                .map_err(|problem| resources::with_address(protocol_error(&problem), &uri))
        } else if self.beside.get_info().capabilities.resources.is_some() {
            context.extensions.insert(asker.clone());
            self.beside.read_resource(request, context).await
        } else {
            Err(resources::no_resource(&uri))
        };
        self.end(audit, &outcome);
        outcome
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        mut context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let mut all = prompts::list(&offer);
        if self.beside.get_info().capabilities.prompts.is_some() {
            context.extensions.insert(asker);
            all.extend(self.beside.list_prompts(request, context).await?.prompts);
        }
        let mut result = ListPromptsResult::with_all_items(all);
        watch::may_be_kept(&mut result.ttl_ms, &mut result.cache_scope);
        Ok(result)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "prompts/get", None, &protocol);
        let outcome = match prompts::get(&offer, &request) {
            Some(outcome) => outcome.map(Into::into),
            None if self.beside.get_info().capabilities.prompts.is_some() => {
                context.extensions.insert(asker.clone());
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
        mut context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let (asker, offer) = self.offered(&context).await?;
        if let Some(result) = complete::complete(&offer, &request) {
            return Ok(result);
        }
        context.extensions.insert(asker);
        self.beside.complete(request, context).await
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
        updates::subscribe(self, &request.uri, &context).await
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.followed.end(&request.uri);
        Ok(())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let asker = self.asker(&context).await?;
        context.extensions.insert(asker.clone());
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "tasks/get", None, &protocol);
        let outcome = self.beside.get_task(request, context).await;
        self.end(audit, &outcome);
        outcome
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let asker = self.asker(&context).await?;
        context.extensions.insert(asker.clone());
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "tasks/update", None, &protocol);
        let outcome = self.beside.update_task(request, context).await;
        self.end(audit, &outcome);
        outcome
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let asker = self.asker(&context).await?;
        context.extensions.insert(asker.clone());
        let protocol = protocol_of(&context);
        let audit = Audit::begin(&asker, "tasks/cancel", None, &protocol);
        let outcome = self.beside.cancel_task(request, context).await;
        self.end(audit, &outcome);
        outcome
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(watch::accepted(requested))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        watch::listen(self, context).await
    }

    async fn on_initialized(&self, context: rmcp::service::NotificationContext<RoleServer>) {
        watch::follow(self, context);
    }
}
