//! `/nexus/v1/sessions`: the caller's sessions, opened, read, changed and ended.

use axum::body::Body;
use bytes::Bytes;
use chassis::put;
use http::{Response, StatusCode, header};
use serde::Serialize;
use serde_json::value::RawValue;
use wire::session::{List, Named, Open, Session, Write};
use wire::{Code, Fault, NodeName, Options, Problem};

use crate::asked::{Asked, json};
use crate::asking::read;
use crate::v1::Answered;

pub(crate) async fn list(asked: &Asked) -> Answered {
    let mut list = List::default();
    for part in asked.query.split('&').filter(|part| !part.is_empty()) {
        let limit = part.strip_prefix("limit=").map(str::parse);
        let Some(Ok(limit)) = limit else {
            let detail = format!("`{part}` means nothing here; `limit` is a whole number");
            let fault = Fault::new("/limit", "invalid_value", detail.clone());
            return Err(Problem::new(Code::BadRequest)
                .detail(detail)
                .errors(vec![fault]));
        };
        list.limit = Some(limit);
    }
    Ok(json(StatusCode::OK, call(asked, "list", &list).await?))
}

/// Its handle comes as a cookie, too.
pub(crate) async fn open(asked: &Asked) -> Answered {
    let answer = call(asked, "open", &asked.body::<Open>()?).await?;
    let session: Session = read(&answer)?;
    let mut response = json(StatusCode::CREATED, answer);
    let headers = response.headers_mut();
    let id = &session.id;
    put(
        headers,
        header::LOCATION,
        &format!("/nexus/v1/sessions/{id}"),
    );
    let cookie = format!("gantry_session={id}; Path=/; HttpOnly; SameSite=Lax");
    put(headers, header::SET_COOKIE, &cookie);
    Ok(response)
}

pub(crate) async fn show(asked: &Asked, id: String) -> Answered {
    let named = Named { id: Some(id) };
    Ok(json(StatusCode::OK, call(asked, "read", &named).await?))
}

/// The body is a merge patch (RFC 7396).
pub(crate) async fn change(asked: &Asked, id: String) -> Answered {
    let write = Write {
        id: Some(id),
        set: asked.body::<Box<RawValue>>()?,
    };
    Ok(json(StatusCode::OK, call(asked, "write", &write).await?))
}

pub(crate) async fn close(asked: &Asked, id: String) -> Answered {
    call(asked, "close", &Named { id: Some(id) }).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

async fn call(asked: &Asked, verb: &str, input: &impl Serialize) -> Result<Bytes, Problem> {
    let input = serde_json::to_vec(input).map_err(|error| {
        Problem::new(Code::Internal).detail(format!("the input of session.{verb}: {error}"))
    })?;
    let options = Options {
        idempotency_key: asked.idempotency_key()?,
        ..Options::default()
    };
    let node = NodeName::of_model("session", verb);
    let (_, answer) = asked.by.call(node, input.into(), options).await?;
    Ok(answer)
}
