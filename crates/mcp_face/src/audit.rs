//! One line in the log for each call, without what was said; and figures, for whoever counts.

use std::time::{Duration, Instant};

use crate::asker::Asker;

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

/// Counts operations.
pub trait Observer: Send + Sync + 'static {
    fn observe(&self, operation: &Operation<'_>);
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
