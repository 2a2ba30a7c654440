//! `GET /nexus/v1/workflows` and `POST /nexus/v1/workflows/{name}/runs`.

use axum::body::Body;
use chassis::put;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;
use wire::run::Run;
use wire::{Code, NodeInfo, NodeName, Problem};

use crate::asked::{Asked, json as json_answer};
use crate::asking::read;
use crate::events;
use crate::prefer::Preferences;
use crate::v1::Answered;
use crate::waiting::until_ended;

const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Those that the caller may start.
pub(crate) async fn list(asked: &Asked) -> Answered {
    let catalogue = asked.by.catalogue().await?;
    let workflows: Vec<_> = catalogue
        .nodes
        .iter()
        .filter(|node| is_workflow(node))
        .map(told)
        .collect();
    Ok(json_answer(
        StatusCode::OK,
        Value::from(workflows).to_string().into(),
    ))
}

pub(crate) fn is_workflow(node: &NodeInfo) -> bool {
    node.name.family() == "workflow"
}

fn told(node: &NodeInfo) -> Value {
    let name = node.name.verb();
    json!({
        "name": name,
        "about": node.about,
        "node": node.name,
        "input": node.input.tree(),
        "start": format!("/nexus/v1/workflows/{name}/runs"),
    })
}

/// Begins a run; answers at once, when it has ended, or with what becomes of it, as the request asks.
pub(crate) async fn start(asked: Asked, name: &str) -> Answered {
    let node = format!("workflow.{name}")
        .parse::<NodeName>()
        .map_err(|_| no_such(name))?;
    let (meta, answer) = asked.call(node).await?;
    let run: Run = read(&answer)?;
    let id = run.id;
    let preferences = Preferences::read(&asked.headers);
    let mut response = if events::are_wanted(&asked.headers) {
        events::of_run(asked, id).await?
    } else if preferences.respond_async {
        let mut response = json_answer(StatusCode::ACCEPTED, answer);
        let applied = HeaderValue::from_static("respond-async");
        response.headers_mut().insert(APPLIED, applied);
        response
    } else {
        let longest = asked.by.app.limits.deadline;
        let wait = preferences.wait.map_or(longest, |wait| wait.min(longest));
        let (run, answer) = until_ended(&asked.by, (run, answer), asked.begun + wait).await?;
        let ended = run.state.is_final();
        json_answer(
            if ended {
                StatusCode::OK
            } else {
                StatusCode::ACCEPTED
            },
            answer,
        )
    };
    locate(&mut response, id);
    if meta.replayed {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

pub(crate) fn locate(response: &mut Response<Body>, run: Uuid) {
    let location = format!("/nexus/v1/runs/{run}");
    put(response.headers_mut(), header::LOCATION, &location);
}

fn no_such(name: &str) -> Problem {
    Problem::new(Code::NoSuchNode)
        .detail(format!("there is no workflow `{name}`"))
        .hint("those that you may start are at /nexus/v1/workflows")
}

impl Asked {
    pub(crate) fn idempotency_key(&self) -> Result<Option<String>, Problem> {
        self.text(&wire::header::IDEMPOTENCY_KEY)
    }

    fn text(&self, name: &HeaderName) -> Result<Option<String>, Problem> {
        let value = self
            .headers
            .get(name)
            .map(|value| value.to_str().map(str::to_owned));
        value.transpose().map_err(|_| {
            Problem::new(Code::BadRequest).detail(format!(
                "the header `{name}` has a value that cannot be read"
            ))
        })
    }
}
