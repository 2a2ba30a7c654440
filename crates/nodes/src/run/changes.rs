//! `run.changes`: what becomes of the runs that the caller may see, piece by piece, for whoever tells it to listeners.

use jiff::Timestamp;
use store::{RunChange, RunFilter, RunPlace};
use wire::run::{Change, Changed, Changes, Emitted, Place, Said, Since};
use wire::{Answer, Problem};

use super::{asked, input};
use crate::context::Context;
use crate::create::fault;
use crate::problem;
use crate::workflow::answer_of;

/// Of each kind; runs come with all that they were given and answer.
const USUAL: u32 = 100;

/// `{after?, workflow?, limit?}`
pub(super) async fn call(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    if cx.principal.is_anonymous() {
        return Err(cx.denied("hear of runs"));
    }
    let wish = read(text)?;
    let mut told = Changes {
        changes: Vec::new(),
        last: None,
        more: false,
        now: written(cx.now),
    };
    let Some(after) = wish.after else {
        return Ok(Answer::json(answer_of(&told)?));
    };
    let filter = RunFilter {
        workflow: wish.workflow,
        limit: wish.limit.unwrap_or(USUAL).into(),
        ..asked::seen(cx)
    };
    let found = cx.store.changed_runs(&filter, &place(after)?).await;
    let found = found.map_err(problem::of_store)?;
    told.more = found.more;
    told.last = found.last.map(|last| Place {
        at: written(last.at),
        run: last.run,
        path: last.path,
    });
    for (at, change) in found.changes {
        let at = at.map_or_else(|| told.now.clone(), written);
        told.changes.extend(shown(at, change));
    }
    Ok(Answer::json(answer_of(&told)?))
}

fn read(text: &str) -> Result<Since, Problem> {
    let object = input::object(text, &["after", "workflow", "limit"])?;
    Ok(Since {
        after: input::member(&object, "after", "a place: {at, run, path}")?,
        workflow: input::word(&object, "workflow", "a workflow's name")?,
        limit: asked::read_limit(&object)?,
    })
}

fn place(after: Place) -> Result<RunPlace, Problem> {
    let Ok(at) = after.at.parse() else {
        let detail = "`at` is a timestamp, such as 2026-01-31T12:00:00Z";
        return Err(fault("/after/at".to_owned(), "invalid_value", detail));
    };
    if after.path.contains('\0') {
        let detail = "`path` is a step's, without U+0000";
        return Err(fault("/after/path".to_owned(), "invalid_value", detail));
    }
    Ok(RunPlace {
        at,
        run: after.run,
        path: after.path,
    })
}

/// Nothing of what was emitted before it was kept.
fn shown(at: String, change: RunChange) -> Option<Change> {
    let what = match change {
        RunChange::Run(row) => Changed::Run(Box::new(row.run)),
        RunChange::Emitted {
            run,
            workflow,
            path,
            output,
        } => {
            let said: Said = serde_json::from_str(output.get()).ok()?;
            Changed::Emit(Emitted {
                run,
                workflow,
                step: path,
                name: said.name,
                payload: said.payload,
                at: at.clone(),
            })
        }
    };
    Some(Change { at, what })
}

fn written(at: Timestamp) -> String {
    format!("{at:.6}")
}
