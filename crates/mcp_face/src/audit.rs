//! One line in the log for each call, without what was said; and figures, for whoever counts.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::asker::Asker;

/// `mcp.server.operation.duration`, as Prometheus spells it.
pub const DURATION: &str = "mcp_server_operation_duration_seconds";

/// What is known of one request when it is answered.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'a> {
    /// `tools/call`
    pub method: &'a str,
    /// The tool's name, of tools that exist.
    pub tool: Option<&'a str>,
    /// A problem's code, or the number of a protocol error.
    pub error: Option<&'a str>,
    pub protocol: &'a str,
    pub transport: &'static str,
    pub took: Duration,
}

impl Operation<'_> {
    /// By the conventions of OpenTelemetry for MCP, as Prometheus spells them.
    pub fn labels(&self) -> String {
        let mut labels = format!("mcp_method_name=\"{}\"", self.method);
        let others = [
            ("gen_ai_tool_name", self.tool),
            ("error_type", self.error),
            ("mcp_protocol_version", Some(self.protocol)),
            ("network_transport", Some(self.transport)),
        ];
        for (name, value) in others {
            // Tools that exist, codes of ours and versions that rmcp knows: none holds a quote.
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                write!(labels, ",{name}=\"{value}\"").expect("a String takes every character");
            }
        }
        labels
    }
}

/// Counts operations.
pub trait Observer: Send + Sync + 'static {
    fn observe(&self, operation: &Operation<'_>);
}

impl<F: Fn(&Operation<'_>) + Send + Sync + 'static> Observer for F {
    fn observe(&self, operation: &Operation<'_>) {
        self(operation);
    }
}

/// Ends with [`Audit::end`].
pub(crate) struct Audit<'a> {
    pub(crate) asker: &'a Asker,
    pub(crate) method: &'static str,
    /// Of tools that exist: callers could name anything.
    pub(crate) tool: Option<&'a str>,
    pub(crate) protocol: &'a str,
    begun: Instant,
}

impl<'a> Audit<'a> {
    pub(crate) fn begin(
        asker: &'a Asker,
        method: &'static str,
        tool: Option<&'a str>,
        protocol: &'a str,
    ) -> Self {
        Self {
            asker,
            method,
            tool,
            protocol,
            begun: Instant::now(),
        }
    }

    pub(crate) fn end(self, error: Option<&str>, observer: Option<&dyn Observer>) {
        let took = self.begun.elapsed();
        tracing::info!(
            target: "audit",
            method = self.method,
            tool = self.tool,
            caller = self.asker.identity.id.as_deref().unwrap_or("anonymous"),
            group = self.asker.group.as_deref(),
            error,
            ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            trace_id = self.asker.trace.id(),
            "call"
        );
        if let Some(observer) = observer {
            observer.observe(&Operation {
                method: self.method,
                tool: self.tool,
                error,
                protocol: self.protocol,
                transport: self.asker.channel.network_transport(),
                took,
            });
        }
    }
}
