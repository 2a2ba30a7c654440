//! Steps by the paths that their rows have.

use super::{Action, Step, Workflow};

impl Workflow {
    /// `save`; within others `each.3.save`, `both.left.save`, `guarded.save`.
    pub fn step_at(&self, path: &str) -> Option<&Step> {
        at(&self.steps, path)
    }
}

fn at<'s>(steps: &'s [Step], path: &str) -> Option<&'s Step> {
    let Some((id, rest)) = path.split_once('.') else {
        return steps.iter().find(|step| step.id == path);
    };
    let step = steps.iter().find(|step| step.id == id)?;
    let first = || rest.split_once('.');
    match &step.action {
        Action::Each { steps, .. } => at(steps, first()?.1),
        Action::Switch { cases, default, .. } => {
            let cases = cases.iter().map(|(_, steps)| steps);
            cases.chain([default]).find_map(|steps| at(steps, rest))
        }
        Action::Parallel { branches } => {
            let (name, rest) = first()?;
            let (_, steps) = branches.iter().find(|(branch, _)| branch == name)?;
            at(steps, rest)
        }
        Action::Try {
            steps,
            catch,
            finally,
        } => [steps, catch, finally]
            .into_iter()
            .find_map(|steps| at(steps, rest)),
        Action::Node { .. } | Action::Wait(_) | Action::Call { .. } | Action::Approve { .. } => {
            None
        }
    }
}
