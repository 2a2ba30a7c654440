//! Which runs a page of changes starts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use minijinja::value::Serde;
use model::workflow::{Expression, Trigger};
use model::{Action, Workflow};
use serde_json::json;
use store::{Change, Error, NewRun, Op, Position, TriggerRow};
use uuid::Uuid;

use super::records::Known;
use crate::live::Live;
use crate::run::Runs;
use crate::run::triggered::{self, Cause};

/// A trigger of a model, and how far its workflow has seen to that one's changes.
struct Follower<'a> {
    workflow: &'a Workflow,
    number: u32,
    on: &'a [Action],
    filter: Option<&'a Expression>,
    seen: Position,
}

impl Follower<'_> {
    fn wants(&self, change: &Change) -> bool {
        let action = match change.op {
            Op::Create => Action::Create,
            // Whoever keeps something of what there is must hear of what is there again.
            Op::Update | Op::Restore => Action::Update,
            Op::Delete => Action::Delete,
        };
        change.position > self.seen && self.on.contains(&action)
    }

    /// Nothing where its `if` does not hold.
    fn run(&self, change: &Change, known: &Known) -> Result<Option<NewRun>, String> {
        let record = known.record(change);
        let record = record.ok_or("the record is gone, and nothing is kept of it")?;
        let given = json!({"record": record, "op": change.op.name()});
        if let Some(filter) = self.filter
            && !filter.holds(&minijinja::Value::from(Serde(&given)))?
        {
            return Ok(None);
        }
        let cause = Cause {
            number: self.number,
            given: &given,
            tenant: change.tenant.clone(),
            at: Timestamp::now(),
        };
        let run = triggered::run(self.workflow, cause);
        run.map(Some).map_err(|problem| problem.to_string())
    }
}

/// Those of one trigger in a page, of which the first is told.
struct Failures {
    record: Uuid,
    why: String,
    count: u64,
}

/// Their definitions are kept.
pub(super) async fn of(
    runs: &Runs,
    live: &Live,
    rows: &[TriggerRow],
    changes: &[Change],
) -> Result<Vec<NewRun>, Error> {
    let mut new = Vec::new();
    let mut failures: BTreeMap<(&str, u32), Failures> = BTreeMap::new();
    for model in live.models.iter() {
        let followers = followers(live, rows, &model.name);
        let is_wanted = |change: &&Change| {
            change.model == model.name && followers.iter().any(|follower| follower.wants(change))
        };
        let wanted: Vec<_> = changes.iter().filter(is_wanted).collect();
        if wanted.is_empty() {
            continue;
        }
        let known = Known::of(&runs.store, model, &wanted).await?;
        for change in wanted {
            for follower in followers.iter().filter(|follower| follower.wants(change)) {
                match follower.run(change, &known) {
                    Ok(run) => new.extend(run),
                    Err(why) => {
                        let trigger = (follower.workflow.name.as_str(), follower.number);
                        let failed = failures.entry(trigger).or_insert_with(|| Failures {
                            record: change.record,
                            why,
                            count: 0,
                        });
                        failed.count += 1;
                    }
                }
            }
        }
    }
    for ((workflow, number), Failures { record, why, count }) in failures {
        tracing::error!(
            workflow,
            number,
            count,
            %record,
            why,
            "Changes cannot start their workflow, and were passed over"
        );
    }
    keep(runs, live, &new).await?;
    Ok(new)
}

fn followers<'a>(live: &'a Live, rows: &[TriggerRow], model: &str) -> Vec<Follower<'a>> {
    let rows = rows.iter().filter(|row| row.model == model);
    let found = rows.filter_map(|row| Some((&live.workflows[live.workflow(&row.workflow)?], row)));
    let triggers = found.flat_map(|(workflow, row)| {
        let numbered = (0..).zip(&workflow.triggers);
        numbered.filter_map(move |(number, trigger)| match trigger {
            Trigger::Change {
                model, on, filter, ..
            } if *model == row.model => Some(Follower {
                workflow,
                number,
                on,
                filter: filter.as_ref(),
                seen: row.seen,
            }),
            _ => None,
        })
    });
    triggers.collect()
}

async fn keep(runs: &Runs, live: &Live, new: &[NewRun]) -> Result<(), Error> {
    let names: BTreeSet<_> = new.iter().map(|run| run.workflow.as_str()).collect();
    for place in names.into_iter().filter_map(|name| live.workflow(name)) {
        let kept = runs.keep(&live.workflows[place]).await;
        kept.map_err(|problem| Error::Unavailable(problem.to_string()))?;
    }
    Ok(())
}
