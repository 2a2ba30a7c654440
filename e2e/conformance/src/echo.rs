//! A tool that reaches no catalogue, for those who measure what the face costs.

use mcp_face::Beside;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, object,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde_json::json;

const NAME: &str = "echo";

#[derive(Debug, Clone, Copy)]
pub(crate) struct Echo;

impl Beside for Echo {}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let input = json!({"type": "object", "properties": {"text": {"type": "string"}}});
        (name == NAME).then(|| Tool::new(NAME, "Says it again.", object(input)))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.get_tool(NAME).into_iter().collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = request.arguments.as_ref().and_then(|all| all.get("text"));
        Ok(CallToolResult::structured(json!({"text": text})).into())
    }
}
