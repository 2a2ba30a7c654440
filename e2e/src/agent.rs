//! An agent from outside: JSON-RPC to `/mcp` or another face, in both eras of the protocol.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::{Answer, Edge};

/// The last protocol with sessions, and the first without.
const OLDER: &str = "2025-11-25";
const NEWER: &str = "2026-07-28";
const ACCEPT: (&str, &str) = ("Accept", "application/json, text/event-stream");

#[derive(Clone)]
pub struct Agent {
    edge: Edge,
    path: &'static str,
    session: Option<String>,
}

impl Agent {
    /// Of the newer protocol: each message stands alone.
    pub fn new(edge: &Edge) -> Self {
        Self::at(edge, "/mcp")
    }

    /// The same of another face.
    pub fn at(edge: &Edge, path: &'static str) -> Self {
        Self {
            edge: edge.clone(),
            path,
            session: None,
        }
    }

    /// Of the older one.
    pub fn with_session(edge: &Edge) -> anyhow::Result<Self> {
        let mut agent = Self::new(edge);
        let initialize = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": client()},
        });
        let answer = edge.request("POST", "/mcp", &[ACCEPT], Some(&initialize))?;
        let session = answer.header("mcp-session-id").map(str::to_owned);
        ensure!(answer.status == 200, "{}", told(&answer));
        agent.session = Some(session.context("a session")?);
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let answer = agent.post(&[], &initialized)?;
        ensure!(answer.status == 202, "{}", told(&answer));
        Ok(agent)
    }

    /// The same session, asked for by another.
    #[must_use]
    pub fn of(&self, edge: &Edge) -> Self {
        Self {
            edge: edge.clone(),
            path: self.path,
            session: self.session.clone(),
        }
    }

    /// A request and its result; a refusal is an error.
    pub fn ask(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let answer = self.answer(method, params)?;
        ensure!(answer.status == 200, "{}", told(&answer));
        let mut message = message(&answer)?;
        ensure!(message.get("result").is_some(), "{message}");
        Ok(message["result"].take())
    }

    /// What a tool tells, structured.
    pub fn call(&self, tool: &str, arguments: &Value) -> anyhow::Result<Value> {
        let params = json!({"name": tool, "arguments": arguments});
        let mut result = self.ask("tools/call", params)?;
        ensure!(result["isError"] != true, "{result}");
        Ok(result["structuredContent"].take())
    }

    /// A request, and whatever HTTP says to it.
    pub fn answer(&self, method: &str, mut params: Value) -> anyhow::Result<Answer> {
        let name = params["name"].as_str().map(str::to_owned);
        let mut headers = Vec::new();
        if self.session.is_none() {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": NEWER,
                "io.modelcontextprotocol/clientInfo": client(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            headers.push(("Mcp-Method", method));
            headers.extend(name.as_deref().map(|name| ("Mcp-Name", name)));
        }
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post(&headers, &message)
    }

    fn post(&self, more: &[(&str, &str)], message: &Value) -> anyhow::Result<Answer> {
        let version = if self.session.is_some() { OLDER } else { NEWER };
        let mut headers = vec![ACCEPT, ("MCP-Protocol-Version", version)];
        headers.extend(self.session.as_deref().map(|id| ("Mcp-Session-Id", id)));
        headers.extend(more);
        self.edge
            .request("POST", self.path, &headers, Some(message))
    }
}

fn client() -> Value {
    json!({"name": "e2e", "version": "0.1.0"})
}

fn told(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    format!("{}: {body}", answer.status)
}

/// The one message of an answer, which is JSON or the last event of a stream.
fn message(answer: &Answer) -> anyhow::Result<Value> {
    let is_stream = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/event-stream"));
    if !is_stream {
        return answer.json();
    }
    let body = String::from_utf8_lossy(&answer.body);
    let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let last = data.map(str::trim).rfind(|data| !data.is_empty());
    let last = last.with_context(|| format!("an event in {body}"))?;
    Ok(serde_json::from_str(last)?)
}
