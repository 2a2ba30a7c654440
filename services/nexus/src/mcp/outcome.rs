//! What became of a run, as a tool's result.

use rmcp::model::{CallToolResult, ClientCapabilities, ContentBlock, ErrorData};
use serde_json::{Value, json};
use wire::run::{Run, State, StepRow};
use wire::{Code, Problem};

use super::{media, task};

/// `{run, state, output}` of a run that succeeded, `{run, state, problem}` of one that did not, `{run, state, waits?}` of one
/// that is under way. An output of more than `most` bytes is not shown.
pub(super) fn result(run: &Run, steps: &[StepRow], most: usize) -> CallToolResult {
    let mut told = json!({"run": run.id, "state": run.state});
    match run.state {
        State::Succeeded => {
            let output = run.output.as_ref().map_or("null", |output| output.get());
            if output.len() > most {
                let cut = format!(
                    "The output has {} bytes, and {most} are shown at most: GET /nexus/v1/runs/{} has it.",
                    output.len(),
                    run.id
                );
                told["cut"] = json!(cut);
                return structured(ContentBlock::text(cut), told, false);
            }
            let value: Value = serde_json::from_str(output).unwrap_or_default();
            let mut copy = value.clone();
            let media = media::taken(&mut copy, run.id);
            // A text as it is, anything else as JSON.
            let copy = match &copy {
                Value::String(text) => text.clone(),
                _ if media.is_empty() => output.to_owned(),
                other => other.to_string(),
            };
            told["output"] = value;
            let mut result = structured(mcp_face::untrusted("", &copy), told, false);
            result.content.extend(media);
            result
        }
        State::Failed => failed(run, &why(run)),
        State::Cancelled => {
            let text = format!("The run {} was cancelled.", run.id);
            structured(ContentBlock::text(text), told, true)
        }
        State::Queued | State::Running | State::Waiting => {
            let mut text = format!(
                "The run {} is {}: read it with run_read and run_steps.",
                run.id,
                run.state.as_str()
            );
            let waits: Vec<_> = steps.iter().filter_map(task::waiting).collect();
            if !waits.is_empty() {
                text = format!(
                    "{text} {} Decide with run_approve, say a signal with run_signal.",
                    waits.join(" ")
                );
                told["waits"] = json!(waits);
            }
            structured(ContentBlock::text(text), told, false)
        }
    }
}

/// A run waits for what the client can do nothing about.
pub(super) fn lacking(run: &Run, needed: ClientCapabilities) -> ErrorData {
    let mut error = ErrorData::missing_required_client_capability(needed);
    if let Some(Value::Object(data)) = &mut error.data {
        let hint = "the run waits; decide with run_approve";
        data.insert("run".to_owned(), json!(run.id));
        data.insert("hint".to_owned(), json!(hint));
    }
    error
}

/// What a run answered that was waited for, of at most `most` bytes; why it did not, else.
pub(super) fn output(run: &Run, steps: &[StepRow], most: usize) -> Result<Value, ErrorData> {
    match run.state {
        State::Succeeded => {
            let output = run.output.as_ref().map_or("null", |output| output.get());
            if output.len() > most {
                let message = format!(
                    "the answer has {} bytes, and {most} are shown at most",
                    output.len()
                );
                return Err(ErrorData::internal_error(message, None));
            }
            Ok(serde_json::from_str(output).unwrap_or_default())
        }
        State::Failed => Err(task::protocol_error(&why(run))),
        State::Cancelled | State::Queued | State::Running | State::Waiting => {
            Err(unfinished(run, steps))
        }
    }
}

/// Of a run without an answer that is none's mistake.
pub(super) fn unfinished(run: &Run, steps: &[StepRow]) -> ErrorData {
    let waits: Vec<_> = steps.iter().filter_map(task::waiting).collect();
    let message = format!("the run {} is {}", run.id, run.state.as_str());
    let data = json!({"run": run.id, "state": run.state, "waits": waits});
    ErrorData::internal_error(message, Some(data))
}

/// Why it failed.
pub(super) fn why(run: &Run) -> Problem {
    let unknown = || Problem::new(Code::Internal).detail("nobody said why the run failed");
    run.problem.clone().unwrap_or_else(unknown)
}

fn failed(run: &Run, problem: &Problem) -> CallToolResult {
    let mut result = mcp_face::refused(problem);
    if let Some(Value::Object(told)) = &mut result.structured_content {
        told.insert("run".to_owned(), json!(run.id));
        told.insert("state".to_owned(), json!(run.state));
    }
    result
}

fn structured(text: ContentBlock, told: Value, is_error: bool) -> CallToolResult {
    let mut result = if is_error {
        CallToolResult::error(vec![text])
    } else {
        CallToolResult::success(vec![text])
    };
    result.structured_content = Some(told);
    result
}
