//! Figures by the conventions of OpenTelemetry for MCP.

use std::fmt::Write as _;

use chassis::Metrics;
use mcp_face::{Observer, Operation};

/// `mcp.server.operation.duration`, as Prometheus spells it.
const DURATION: &str = "mcp_server_operation_duration_seconds";

pub struct Operations(pub Metrics);

impl Observer for Operations {
    fn observe(&self, operation: &Operation<'_>) {
        let mut labels = format!("mcp_method_name=\"{}\"", operation.method);
        let others = [
            ("gen_ai_tool_name", operation.tool),
            ("error_type", operation.error),
            ("mcp_protocol_version", Some(operation.protocol)),
            ("network_transport", Some(operation.transport)),
        ];
        for (name, value) in others {
            // Tools that exist, codes of ours and versions that rmcp knows: none holds a quote.
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                write!(labels, ",{name}=\"{value}\"").expect("a String takes every character");
            }
        }
        self.0.observe_in(DURATION, &labels, operation.took);
    }
}
