//! What a client is told while it waits for a run: each step that ended, and what steps `log` said.

use rmcp::RoleServer;
use rmcp::model::{
    LoggingLevel, LoggingMessageNotificationParam, ProgressNotificationParam, ProgressToken,
};
use rmcp::service::RequestContext;
use serde_json::Value;
use wire::run::{StepRow, StepState};

/// The node that says something.
const LOG: &str = "log";
const LOGGER: &str = "workflow";

pub(super) struct Telling {
    progress: Option<ProgressToken>,
    /// The least that is told of what steps said; `None`: nothing.
    level: Option<LoggingLevel>,
    /// Ended steps that the client knows of.
    pub(super) told: usize,
}

impl Telling {
    /// In the newer protocol each request says what it wants to hear of. In the older one a session may say so, and need
    /// not: whatever it says is passed over, since a session may go on in another process.
    pub(super) fn of(context: &RequestContext<RoleServer>, newer: bool) -> Self {
        Self {
            progress: context.meta.get_progress_token(),
            level: if newer {
                context.meta.log_level()
            } else {
                Some(LoggingLevel::Info)
            },
            told: 0,
        }
    }

    /// Whether the steps of a run matter before it has ended.
    pub(super) fn wants_steps(&self) -> bool {
        self.progress.is_some() || self.level.is_some()
    }

    /// Tells of each step that has ended since.
    pub(super) async fn tell(&mut self, steps: &[StepRow], context: &RequestContext<RoleServer>) {
        let ended = steps.iter().filter(|step| step.ended_at.is_some());
        for step in ended.skip(self.told) {
            self.told += 1;
            // A client that is gone hears nothing.
            if let Some(message) = self.message(step) {
                let _ = context.peer.notify_logging_message(message).await;
            }
            if let Some(token) = &self.progress {
                #[expect(clippy::cast_precision_loss, reason = "a run has at most 10,000 steps")]
                let progress = ProgressNotificationParam::new(token.clone(), self.told as f64)
                    .with_message(format!("{} ended", step.path));
                let _ = context.peer.notify_progress(progress).await;
            }
        }
    }

    /// What the step said, where the client wants to hear it.
    fn message(&self, step: &StepRow) -> Option<LoggingMessageNotificationParam> {
        let least = self.level?;
        if step.what != LOG || step.state != StepState::Done {
            return None;
        }
        let said: Value = serde_json::from_str(step.output.as_ref()?.get()).ok()?;
        let level = match said["level"].as_str()? {
            "debug" => LoggingLevel::Debug,
            "info" => LoggingLevel::Info,
            "warn" => LoggingLevel::Warning,
            _ => LoggingLevel::Error,
        };
        let message = LoggingMessageNotificationParam::new(level, said["message"].clone());
        (level as u8 >= least as u8).then(|| message.with_logger(LOGGER))
    }
}
