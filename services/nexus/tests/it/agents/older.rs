//! A client of the older protocol: its session, and what it answers when it is asked within a call.

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::told;
use crate::world::World;

pub(super) struct Older<'w> {
    world: &'w World,
    session: String,
}

impl<'w> Older<'w> {
    pub(super) async fn begin(world: &'w World, can: Value) -> Self {
        let mut client = Self {
            world,
            session: String::new(),
        };
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": can,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let begun = client.post(&hello).await;
        let session = begun.headers()["mcp-session-id"].to_str().unwrap();
        client.session = session.to_owned();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        client.post(&ready).await;
        client
    }

    async fn send(&self, method: &str, body: Body) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri("/nexus/mcp")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("authorization", format!("Bearer {}", self.world.admin));
        if !self.session.is_empty() {
            request = request
                .header("mcp-session-id", &self.session)
                .header("mcp-protocol-version", "2025-11-25");
        }
        let request = request.body(body).unwrap();
        let response = self.world.router.clone().oneshot(request).await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
        response
    }

    async fn post(&self, message: &Value) -> Response {
        self.send("POST", Body::from(message.to_string())).await
    }

    /// What is told beside calls, from now on.
    pub(super) async fn listen(&self) -> Events {
        Events::of(self.send("GET", Body::empty()).await)
    }

    /// The answer of a call. `answer` is the `result` or `error` of what the client is asked.
    pub(super) async fn call(
        &self,
        name: &str,
        arguments: Value,
        answer: impl Fn(&Value) -> Value,
    ) -> Value {
        let params = json!({"name": name, "arguments": arguments});
        let call = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params});
        let mut events = Events::of(self.post(&call).await);
        loop {
            let message = events.next().await.expect("a call is answered");
            if !message["method"].is_string() {
                return message;
            }
            if !message["id"].is_null() {
                let mut answer = answer(&message);
                answer["jsonrpc"] = json!("2.0");
                answer["id"] = message["id"].clone();
                self.post(&answer).await;
            }
        }
    }
}

pub(super) struct Events {
    body: Body,
    text: String,
}

impl Events {
    fn of(response: Response) -> Self {
        Self {
            body: response.into_body(),
            text: String::new(),
        }
    }

    pub(super) async fn next(&mut self) -> Option<Value> {
        loop {
            while let Some(end) = self.text.find('\n') {
                let line: String = self.text.drain(..=end).collect();
                if let Some(message) = told(&line) {
                    return Some(message);
                }
            }
            let frame = self.body.frame().await?;
            if let Ok(data) = frame.unwrap().into_data() {
                self.text.push_str(std::str::from_utf8(&data).unwrap());
            }
        }
    }
}
