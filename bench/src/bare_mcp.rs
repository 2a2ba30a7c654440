//! The least that a server on rmcp can do: two tools, one statement a call, no policy, no validation.

use std::sync::Arc;

use axum::Router;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, object,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::bare::{CONNECTIONS, film};
use crate::statements;

pub(crate) fn run(database: &str, port: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let connections = Manager::from_config(database.parse()?, NoTls, recycling);
        let bare = Bare {
            pool: Pool::builder(connections).max_size(CONNECTIONS).build()?,
        };
        // As the face has it.
        let config = StreamableHttpServerConfig::default().with_json_response(true);
        let sessions = Arc::new(LocalSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(bare.clone()), sessions, config);
        let router = Router::new().route_service("/mcp", service);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}

#[derive(Clone)]
struct Bare {
    pool: Pool,
}

impl Bare {
    async fn film(&self, id: &str) -> anyhow::Result<Value> {
        let id: Uuid = id.parse()?;
        let connection = self.pool.get().await?;
        let statement = connection.prepare_cached(statements::READ).await?;
        let row = connection.query_one(&statement, &[&id]).await?;
        film(&row).map_err(|failed| failed.0)
    }
}

impl ServerHandler for Bare {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let takes = |name: &str| {
            object(
                json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}),
            )
        };
        let tools = vec![
            Tool::new("echo", "Says it again.", takes("text")),
            Tool::new("get_film", "Reads a film.", takes("id")),
        ];
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let argument = |name: &str| {
            arguments
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let value = match &*request.name {
            "echo" => json!({"text": argument("text")}),
            _ => self
                .film(argument("id"))
                .await
                .map_err(|error| ErrorData::internal_error(format!("{error:#}"), None))?,
        };
        Ok(CallToolResult::structured(value).into())
    }
}
