//! What the suite calls and no workflow can be: prompts and resources, lists that change, schemas that no input has. A
//! service beside the catalogue; all else are workflows of the project.

#![expect(deprecated, reason = "the suite asks for what the older protocol has")]

use std::sync::Arc;
use std::time::Duration;

use mcp_face::{Asker, Beside};
use nexus::Workflows;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
    CompleteRequestParams, CompleteResult, CompletionInfo, ContentBlock, ElicitRequestParams,
    ElicitationSchema, ErrorData, GetPromptRequestParams, GetPromptResponse, GetTaskParams,
    GetTaskResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
    RequestStateCodec, ServerCapabilities, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::sleep;

use crate::rounds::{self, Call, Step};
use crate::table::Table;
use crate::texts;

/// Between two notifications.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(crate) struct Fixtures {
    table: Arc<Table>,
    /// Asked for what is no fixture.
    workflows: Workflows,
    codec: RequestStateCodec,
    changes: broadcast::Sender<Change>,
}

/// A list that is said to have changed.
#[derive(Debug, Clone, Copy)]
enum Change {
    Tools,
    Prompts,
}

impl Fixtures {
    /// `secret` seals what clients carry from one round to the next.
    pub(crate) fn new(secret: [u8; 32], workflows: Workflows) -> anyhow::Result<Self> {
        Ok(Self {
            table: Arc::new(Table::read()?),
            workflows,
            codec: RequestStateCodec::try_new(secret)?,
            changes: broadcast::channel(16).0,
        })
    }

    async fn change(&self, change: Change) -> CallToolResult {
        // A listener is told that it listens a moment before it does.
        sleep(PAUSE).await;
        // Nobody may be listening.
        self.changes.send(change).ok();
        said("The list changed.")
    }
}

fn said(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn failed(error: impl std::fmt::Display) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(error.to_string())])
}

async fn elicit(
    message: &str,
    schema: &ElicitationSchema,
    context: &RequestContext<RoleServer>,
) -> CallToolResult {
    let asked = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: message.to_owned(),
        requested_schema: schema.clone(),
    };
    match context.peer.create_elicitation(asked).await {
        Ok(answer) => said(format!("User response: {}", json!(answer))),
        Err(error) => failed(error),
    }
}

impl Beside for Fixtures {
    const LISTENS: bool = true;

    async fn has_tool(&self, asker: &Asker, name: &str) -> bool {
        self.get_tool(name).is_some() || self.workflows.has_tool(asker, name).await
    }
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_completions()
            .enable_logging()
            .enable_tasks()
            .build();
        ServerConfig::new(capabilities)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.table
            .tools
            .iter()
            .find(|tool| tool.name == name)
            .cloned()
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut tools = self.table.tools.clone();
        tools.extend(self.workflows.list_tools(page, context).await?.tools);
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.get_tool(&request.name).is_none() {
            return self.workflows.call_tool(request, context).await;
        }
        let name = &*request.name;
        let argument = |name: &str| {
            let arguments = request.arguments.as_ref();
            let value = arguments.and_then(|arguments| arguments.get(name)?.as_str());
            value.unwrap_or_default()
        };
        if name == "echo" {
            return Ok(CallToolResult::structured(json!({"text": argument("text")})).into());
        }
        let call = Call {
            name,
            responses: request.input_responses.as_ref(),
            state: request.request_state.as_deref(),
            context: &context,
        };
        if let Some(step) = rounds::step(&self.table, &self.codec, &call) {
            return Ok(match step? {
                Step::Ask(asked) => asked.into(),
                Step::Answered => said("state-ok: everything was answered.").into(),
            });
        }
        if let Some(answer) = self.table.answers.get(name) {
            return Ok(answer.clone().into());
        }
        if let Some(schema) = self.table.elicitations.get(name) {
            return Ok(elicit(argument("message"), schema, &context).await.into());
        }
        let answer = match name {
            "test_trigger_tool_change" => self.change(Change::Tools).await,
            "test_trigger_prompt_change" => self.change(Change::Prompts).await,
            _ => return Err(ErrorData::invalid_params("there is no such tool", None)),
        };
        Ok(answer.into())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        self.workflows.get_task(request, context).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.workflows.update_task(request, context).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.workflows.cancel_task(request, context).await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(
            self.table.prompts.clone(),
        ))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let call = Call {
            name: &request.name,
            responses: request.input_responses.as_ref(),
            state: request.request_state.as_deref(),
            context: &context,
        };
        if let Some(Step::Ask(asked)) = rounds::step(&self.table, &self.codec, &call).transpose()? {
            return Ok(asked.into());
        }
        match texts::prompt(&self.table, &request) {
            Some(prompt) => Ok(prompt.into()),
            None => Err(ErrorData::invalid_params("there is no such prompt", None)),
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(
            self.table.resources.clone(),
        ))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(
            self.table.templates.clone(),
        ))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        texts::resource(&self.table, &request.uri).map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let begun = request.argument.value.as_str();
        let values = ["paris", "park", "party", "test"].into_iter();
        let values = values.filter(|value| value.starts_with(begun));
        let info = CompletionInfo::new(values.map(str::to_owned).collect());
        let info = info.map_err(|error| ErrorData::internal_error(error, None))?;
        Ok(CompleteResult::new(info))
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.workflows.set_level(request, context).await
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        texts::resource(&self.table, &request.uri).map(drop)
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        texts::resource(&self.table, &request.uri).map(drop)
    }

    fn accepted_subscription_filter(
        &self,
        asked: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(asked.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            let change = tokio::select! {
                () = context.cancelled() => return Ok(()),
                change = changes.recv() => change,
            };
            // What was not asked for is refused by the sink.
            let _ = match change {
                Ok(Change::Tools) => context.sink().notify_tool_list_changed().await,
                Ok(Change::Prompts) => context.sink().notify_prompt_list_changed().await,
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            };
        }
    }
}
