//! `run.definition`, and the files of workflows, kept so that runs end by what they began with.

use std::time::{Duration, Instant};

use model::Workflow;
use wire::run::{Definition, Wanted};
use wire::{Answer, Code, Problem};

use super::{Runs, input};
use crate::problem;
use crate::workflow::answer_of;

/// How long it is believed that a definition is kept: less than those live that no run needs.
const BELIEVED: Duration = Duration::from_hours(1);

pub(super) async fn call(runs: &Runs, text: &str) -> Result<Answer, Problem> {
    let wanted: Wanted = input::own(text)?;
    let text = self::text(runs, &wanted.workflow, &wanted.version).await?;
    Ok(Answer::json(answer_of(&Definition { text })?))
}

/// The file, word for word.
pub(super) async fn text(runs: &Runs, workflow: &str, version: &str) -> Result<String, Problem> {
    let found = runs.store.workflow_text(workflow, version).await;
    found.map_err(problem::of_store)?.ok_or_else(|| {
        let detail = format!("there is no version {version} of {workflow}");
        Problem::new(Code::NotFound).detail(detail)
    })
}

impl Runs {
    /// Before a run of it begins.
    pub(crate) async fn keep(&self, workflow: &Workflow) -> Result<(), Problem> {
        let name = (workflow.name.clone(), workflow.version.clone());
        let is_kept = |at: &Instant| at.elapsed() < BELIEVED;
        if self.kept().get(&name).is_some_and(is_kept) {
            return Ok(());
        }
        let kept = self.store.keep_workflow(&name.0, &name.1, &workflow.text);
        kept.await.map_err(problem::of_store)?;
        self.kept().insert(name, Instant::now());
        Ok(())
    }
}
