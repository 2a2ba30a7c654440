//! `GET /nexus/v1/runs`, `/runs/{id}` and `/runs/{id}/steps`.

use axum::body::Body;
use chassis::put;
use http::{HeaderName, Response, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;
use wire::run::One;

use crate::asked::{Asked, json};
use crate::query;
use crate::v1::Answered;

const CURSOR: HeaderName = HeaderName::from_static("next-cursor");

pub(crate) async fn list(asked: &Asked) -> Answered {
    let list = query::list(&asked.query)?;
    let (meta, answer) = asked.by.run("list", &list).await?;
    let mut response = json(StatusCode::OK, answer);
    if let Some(cursor) = meta.cursor {
        next_page(&mut response, asked, &cursor);
    }
    Ok(response)
}

fn next_page(response: &mut Response<Body>, asked: &Asked, cursor: &str) {
    let parts = asked.query.split('&');
    let parts = parts.filter(|part| !part.is_empty() && !part.starts_with("cursor="));
    let place = format!("cursor={}", utf8_percent_encode(cursor, NON_ALPHANUMERIC));
    let parts: Vec<_> = parts.chain([place.as_str()]).collect();
    let query = parts.join("&").replace('>', "%3E");
    let link = format!("<{}?{query}>; rel=\"next\"", asked.path);
    put(response.headers_mut(), header::LINK, &link);
    put(response.headers_mut(), CURSOR, cursor);
}

pub(crate) async fn read(asked: &Asked, id: Uuid) -> Answered {
    let (_, answer) = asked.by.run("read", &One { id }).await?;
    Ok(json(StatusCode::OK, answer))
}

pub(crate) async fn steps(asked: &Asked, id: Uuid) -> Answered {
    let (_, answer) = asked.by.run("steps", &One { id }).await?;
    Ok(json(StatusCode::OK, answer))
}
