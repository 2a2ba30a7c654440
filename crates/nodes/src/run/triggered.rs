//! A run that no caller starts, but a trigger of its workflow.

use access::Principal;
use jiff::Timestamp;
use model::Workflow;
use serde_json::Value as Json;
use store::NewRun;
use wire::Problem;

use super::acting;
use crate::create::fault;
use crate::problem;
use crate::workflow::new_run;

/// The trigger's number, counted from 0, and what it starts the workflow for.
pub(super) struct Cause<'a> {
    pub(super) number: u32,
    pub(super) given: &'a Json,
    /// Whose records the run may see, where they are somebody's.
    pub(super) tenant: Option<String>,
    pub(super) at: Timestamp,
}

/// As whom such a run is listed.
pub(super) fn starter(number: u32) -> String {
    format!("trigger:{number}")
}

/// The problem is why the workflow cannot begin with what the trigger gives.
pub(super) fn run(workflow: &Workflow, cause: Cause<'_>) -> Result<NewRun, Problem> {
    let Cause {
        number,
        given,
        tenant,
        at,
    } = cause;
    let missing = || problem::internal("a trigger that its workflow has not");
    let trigger = workflow.triggers.get(number as usize);
    let trigger = trigger.ok_or_else(missing)?;
    let input = workflow.triggered(trigger, given);
    let input = input.map_err(|why| fault(String::new(), "invalid_value", &why))?;
    let input = workflow.check_input(&input).map_err(problem::of_input)?;
    let nobody = Principal {
        id: starter(number),
        tenant: tenant.clone(),
        ..Principal::default()
    };
    Ok(NewRun {
        started_by: starter(number),
        tenant,
        ..new_run(workflow, input, acting::of(workflow, &nobody), at)?
    })
}
