//! `POST /nexus/v1/runs/{id}:cancel`, `:retry`, `:replay`, `:signal` and `:approve`.

use http::{StatusCode, header};
use serde_json::{Map, Value};
use uuid::Uuid;
use wire::{Code, NodeName, Options, Problem};

use crate::asked::{Asked, json};
use crate::asking::read;
use crate::route::Act;
use crate::v1::Answered;

/// The body's members are the node's arguments beside the run's id.
pub(crate) async fn act(asked: &Asked, id: Uuid, act: Act) -> Answered {
    let mut input: Map<String, Value> = asked.body()?;
    if input
        .insert("id".to_owned(), id.to_string().into())
        .is_some()
    {
        return Err(Problem::new(Code::InvalidInput).detail("the run's id stands in the path"));
    }
    let input = Value::Object(input).to_string();
    let node = NodeName::of_model("run", act.verb());
    let options = Options {
        idempotency_key: asked.idempotency_key()?,
        ..Options::default()
    };
    let (_, answer) = asked.by.call(node, input.into(), options).await?;
    if act != Act::Replay {
        return Ok(if answer.is_empty() {
            let mut response = json(StatusCode::NO_CONTENT, answer);
            response.headers_mut().remove(header::CONTENT_TYPE);
            response
        } else {
            json(StatusCode::OK, answer)
        });
    }
    let run: wire::run::Run = read(&answer)?;
    let mut response = json(StatusCode::CREATED, answer);
    crate::workflows::locate(&mut response, run.id);
    Ok(response)
}
