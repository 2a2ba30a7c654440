//! Whether an agent that starts a run follows it as a task, or waits for it within its call.

use wire::TaskSupport;

use super::{Action, Step, Workflow};

/// Nodes that wait for others.
const SLOW: &[&str] = &["email", "http.request", "llm.chat"];

impl Workflow {
    /// What the file says; else a task may be made of what waits, loops, or has effects outside.
    pub fn task_support(&self) -> TaskSupport {
        let guess = || {
            if any_long(&self.steps) {
                TaskSupport::Optional
            } else {
                TaskSupport::Forbidden
            }
        };
        self.task.unwrap_or_else(guess)
    }
}

fn any_long(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Node { node, .. } => SLOW.contains(&node.as_str()),
        Action::Each { .. } | Action::Wait(_) | Action::Call { .. } | Action::Approve { .. } => {
            true
        }
        Action::Switch { cases, default, .. } => {
            any_long(default) || cases.iter().any(|(_, steps)| any_long(steps))
        }
        Action::Parallel { branches } => branches.iter().any(|(_, steps)| any_long(steps)),
        Action::Try {
            steps,
            catch,
            finally,
        } => [steps, catch, finally]
            .into_iter()
            .any(|steps| any_long(steps)),
    })
}
