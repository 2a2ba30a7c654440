//! `template`, `log` and `emit`, which reach nothing.

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use wire::Problem;

use super::Outside;
use super::arguments::{Arguments, mistake, shown};

/// Its expressions were evaluated with its arguments.
pub(super) struct Template;

impl Outside for Template {
    fn name(&self) -> &'static str {
        "template"
    }

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async {
            let text = Arguments::of(input)?.take("text");
            Ok(shown(&text.unwrap_or_default()).into())
        })
    }
}

pub(super) struct Log;

impl Outside for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async {
            let mut arguments = Arguments::of(input)?;
            let message = shown(&arguments.take("message").unwrap_or_default());
            let level = arguments.text("level")?;
            let level = level.as_deref().unwrap_or("info");
            match level {
                "debug" => tracing::debug!(target: "workflow", "{message}"),
                "info" => tracing::info!(target: "workflow", "{message}"),
                "warn" => tracing::warn!(target: "workflow", "{message}"),
                "error" => tracing::error!(target: "workflow", "{message}"),
                _ => {
                    return Err(mistake(
                        "level",
                        "not_in_enum",
                        "is debug, info, warn or error",
                    ));
                }
            }
            // Whoever waits for the run hears of the step, and so of what was said.
            Ok(json!({"level": level, "message": message}))
        })
    }
}

/// Whoever listens hears of the step, and so of what it answers.
pub(super) struct Emit;

impl Outside for Emit {
    fn name(&self) -> &'static str {
        "emit"
    }

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async {
            let mut arguments = Arguments::of(input)?;
            let name = arguments.required_text("name")?;
            tracing::debug!(target: "workflow", name, "emitted");
            let payload = arguments.take("payload").unwrap_or_default();
            Ok(json!({"name": name, "payload": payload}))
        })
    }
}
