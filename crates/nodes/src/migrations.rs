//! `migration.list`: how the database became what it is, for admins.

use model::BadArgument;
use serde_json::json;
use store::migrate::Recorded;
use wire::{Answer, Hints, NodeInfo, Problem};

use crate::arguments::{self, Pairs};
use crate::context::Context;
use crate::create::fault;
use crate::keys::only;
use crate::{body, catalogue, problem, schema};

const USUAL: u64 = 20;
const MOST: u64 = 100;
/// Of one migration. A first one of a thousand models has as many.
const MOST_STEPS: usize = 100;

/// `{limit?}`, or in the query, as a command line writes it.
pub(crate) async fn list(
    cx: &Context<'_>,
    mut pairs: Pairs,
    text: &str,
) -> Result<Answer, Problem> {
    if !cx.principal.is_admin() || cx.principal.tenant.is_some() {
        return Err(cx.denied("see migrations"));
    }
    let limit = read(&mut pairs, text)?;
    let recorded = cx.store.migrations(limit).await;
    let recorded = recorded.map_err(problem::of_store)?;
    let shown: Vec<_> = recorded.iter().map(show).collect();
    let mut answer = Answer::json(serde_json::Value::Array(shown).to_string());
    answer.meta.rows = Some(recorded.len() as u64);
    Ok(answer)
}

fn read(pairs: &mut Pairs, text: &str) -> Result<u64, Problem> {
    let fits = |limit: &u64| (1..=MOST).contains(limit);
    let detail = || format!("`limit` is a whole number from 1 to {MOST}");
    let mut mistakes = Vec::new();
    let asked = arguments::take(pairs, "limit", &mut mistakes);
    let mut limit = asked.map_or(Some(USUAL), |text| text.parse().ok().filter(fits));
    if limit.is_none() {
        mistakes.push(BadArgument::new("limit", detail()));
    }
    arguments::refuse_rest(pairs, &["limit"], &mut mistakes);
    arguments::finish(mistakes)?;
    let object = body::object(text, "")?;
    only(&object, &["limit"])?;
    if let Some(raw) = object.get("limit") {
        limit = body::whole(raw).filter(fits);
    }
    limit.ok_or_else(|| fault("/limit".to_owned(), "out_of_range", &detail()))
}

fn show(recorded: &Recorded) -> serde_json::Value {
    let Recorded { migration, steps } = recorded;
    json!({
        "id": migration.id, "name": migration.name, "applied_at": migration.at, "state": migration.state.name(),
        "steps": &steps[..steps.len().min(MOST_STEPS)], "more_steps": steps.len().saturating_sub(MOST_STEPS),
    })
}

pub(crate) fn node() -> Option<NodeInfo> {
    let about = "Lists what migrations did to the database, the latest first.";
    let limit = json!({"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL});
    let input = schema::object(json!({"limit": limit}), &[]);
    let migration = json!({
        "id": {"type": "integer"}, "name": {"type": "string"},
        "applied_at": {"type": "string", "format": "date-time"},
        "state": {"type": "string", "enum": ["applied", "indexing", "rolled_back"]},
        "steps": {"type": "array", "items": {"type": "string"}, "maxItems": MOST_STEPS},
        "more_steps": {"type": "integer", "minimum": 0, "description": "Steps that are not named here."},
    });
    let all = ["id", "name", "applied_at", "state", "steps", "more_steps"];
    let output = json!({"type": "array", "items": schema::object(migration, &all)});
    let hints = Hints {
        read_only: true,
        idempotent: true,
        ..Hints::default()
    };
    catalogue::node("migration.list", about, input, output, hints)
}
