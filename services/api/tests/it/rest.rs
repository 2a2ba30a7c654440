//! The small print: what each request becomes, and what its answer says.

use std::fmt::Write as _;

use crate::echo::{ID, ask, bytes};

/// Status, headers but for those that differ each time, and the body.
async fn told(request: &str) -> String {
    let response = ask(request).await;
    let mut text = format!("{}\n", response.status());
    let mut headers: Vec<_> = response.headers().iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        let varies = [
            "server-timing",
            "traceresponse",
            "vary",
            "x-content-type-options",
            "content-length",
            "cache-control",
        ];
        if !varies.contains(&name.as_str()) {
            writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
        }
    }
    let body = bytes(response).await;
    if let Ok(mut problem) = serde_json::from_slice::<serde_json::Value>(&body)
        && problem.get("trace_id").is_some()
    {
        let fields = ["code", "detail", "hint", "instance", "current_version"];
        problem
            .as_object_mut()
            .unwrap()
            .retain(|name, _| fields.contains(&name.as_str()));
        return text + &serde_json::to_string_pretty(&problem).unwrap();
    }
    text + &String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn a_record_is_read_with_its_version() {
    insta::assert_snapshot!(told(&format!("GET /api/v1/film/{ID}?select=title")).await, @r#"
    200 OK
    content-type: application/json
    etag: "3"
    {"node":"Film.read","query":"id=0199c2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f&select=title","media":"application/json","input":"","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told(&format!("GET /api/v1/film/{ID}\nif-none-match: \"3\"")).await, @r#"
    304 Not Modified
    etag: "3"
    "#);
    insta::assert_snapshot!(told(&format!("HEAD /api/v1/film/{ID}")).await, @r#"
    200 OK
    content-type: application/json
    etag: "3"
    "#);
}

#[tokio::test]
async fn a_list_tells_its_next_page() {
    insta::assert_snapshot!(told("GET /api/v1/film?title=eq.a%20b&limit=2&cursor=x\nprefer: count=exact").await, @r#"
    200 OK
    content-range: items 0-1/*
    content-type: application/json
    link: </api/v1/film?title=eq.a%20b&limit=2&cursor=abc>; rel="next"
    next-cursor: abc
    preference-applied: count=exact
    {"node":"Film.list","query":"title=eq.a%20b&limit=2&cursor=x","media":"application/json","input":"","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: Exact, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told("GET /api/v1/film\naccept: text/csv").await, @r#"
    200 OK
    content-range: items 0-1/*
    content-type: text/csv
    link: </api/v1/film?cursor=abc>; rel="next"
    next-cursor: abc
    {"node":"Film.list","query":"","media":"application/json","input":"","options":"Options { accept: Csv, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told("POST /api/v1/film:query\ncontent-type: application/json\n\n{\"limit\": 2}").await, @r#"
    200 OK
    content-range: items 0-1/*
    content-type: application/json
    next-cursor: abc
    {"node":"Film.list","query":"","media":"application/json","input":"{\"limit\": 2}","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told("GET /api/v1/film\naccept: image/png").await, @r#"
    406 Not Acceptable
    content-type: application/problem+json
    {
      "instance": "/api/v1/film",
      "code": "not_acceptable",
      "detail": "offered here: application/json, application/x-ndjson, text/csv"
    }
    "#);
}

#[tokio::test]
async fn a_call_is_of_the_session_that_header_or_cookie_names() {
    for (said, expected) in [
        (
            "gantry-session: a1\ncookie: gantry_session=b2",
            "session: Some(\\\"a1\\\")",
        ),
        (
            "cookie: theme=dark; gantry_session=b2",
            "session: Some(\\\"b2\\\")",
        ),
        ("cookie: gantry_session=", "session: None"),
        ("gantry-session: a b", "400 Bad Request"),
    ] {
        let answer = told(&format!(
            "POST /api/v1/film\ncontent-type: application/json\n{said}\n\n{{}}"
        ))
        .await;
        assert!(answer.contains(expected), "{said}: {answer}");
    }
}

#[tokio::test]
async fn one_record_or_many_are_created_by_what_the_body_begins_with() {
    insta::assert_snapshot!(told("POST /api/v1/film\ncontent-type: application/json\nidempotency-key: again\n\n {\"title\": \"A\"}").await, @r#"
    201 Created
    content-type: application/json
    etag: "3"
    idempotency-replayed: true
    location: /api/v1/film/0199c2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f
    {"node":"Film.create","query":"","media":"application/json","input":" {\"title\": \"A\"}","options":"Options { accept: Json, if_version: None, idempotency_key: Some(\"again\"), dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told("POST /api/v1/film\ncontent-type: application/json\n\n\n [{}]").await, @r#"
    200 OK
    content-type: application/json
    {"node":"Film.bulk_create","query":"","media":"application/json","input":"\n [{}]","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told("POST /api/v1/film\ncontent-type: text/csv\n\ntitle\nA\n").await, @r#"
    200 OK
    content-type: application/json
    {"node":"Film.bulk_create","query":"","media":"text/csv","input":"title\nA\n","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told("POST /api/v1/film\ncontent-type: application/x-www-form-urlencoded\n\ntitle=A").await, @r#"
    415 Unsupported Media Type
    content-type: application/problem+json
    {
      "instance": "/api/v1/film",
      "code": "unsupported_media_type",
      "detail": "`application/x-www-form-urlencoded` is not read here",
      "hint": "send application/json; lists of records may also be text/csv or application/x-ndjson"
    }
    "#);
    insta::assert_snapshot!(told("POST /api/v1/film:bulk\ncontent-type: text/csv\n\ntitle\nA\n").await, @r#"
    415 Unsupported Media Type
    content-type: application/problem+json
    {
      "instance": "/api/v1/film:bulk",
      "code": "unsupported_media_type",
      "detail": "text/csv is not read here",
      "hint": "send application/json"
    }
    "#);
}

#[tokio::test]
async fn a_change_is_guarded() {
    insta::assert_snapshot!(told(&format!("PATCH /api/v1/film/{ID}?taken=1\nif-match: \"3\"\n\n{{}}")).await, @r#"
    412 Precondition Failed
    content-type: application/problem+json
    etag: "4"
    {
      "instance": "/api/v1/film/0199c2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f",
      "code": "version_mismatch",
      "detail": "changed",
      "current_version": 4
    }
    "#);
    insta::assert_snapshot!(told(&format!("DELETE /api/v1/film/{ID}\nif-match: *\nprefer: return=minimal, tx=rollback")).await, @r"
    204 No Content
    preference-applied: return=minimal, tx=rollback
    ");
    insta::assert_snapshot!(told(&format!("PATCH /api/v1/film/{ID}\nif-match: 3\n\n{{}}")).await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "instance": "/api/v1/film/0199c2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f",
      "code": "bad_request",
      "detail": "the header `if-match` is neither `*` nor a list of entity tags such as `\"3\"`",
      "hint": "send the ETag of an answer as it came, quotes included"
    }
    "#);
    insta::assert_snapshot!(told("DELETE /api/v1/film?title=eq.a\nprefer: max-affected=2").await, @r#"
    200 OK
    content-type: application/json
    preference-applied: max-affected=2
    {"node":"Film.bulk_delete","query":"title=eq.a","media":"application/json","input":"","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: Some(2), reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told(&format!("POST /api/v1/film/{ID}:restore")).await, @r#"
    200 OK
    content-type: application/json
    {"node":"Film.restore","query":"id=0199c2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f","media":"application/json","input":"","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
}

#[tokio::test]
async fn what_leads_nowhere_says_where_to_go() {
    insta::assert_snapshot!(told("GET /api/v1/flim").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "instance": "/api/v1/flim",
      "code": "no_such_route",
      "detail": "there is no model at `/api/v1/flim`",
      "hint": "did you mean `/api/v1/film`?"
    }
    "#);
    insta::assert_snapshot!(told("GET /api/v1/flim\nauthorization: Bearer good").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "instance": "/api/v1/flim",
      "code": "no_such_route",
      "detail": "there is no model at `/api/v1/flim`",
      "hint": "did you mean `/api/v1/film`?"
    }
    "#);
    insta::assert_snapshot!(told("PUT /api/v1/film").await, @r#"
    405 Method Not Allowed
    allow: GET, HEAD, POST, PATCH, DELETE, OPTIONS
    content-type: application/problem+json
    {
      "instance": "/api/v1/film",
      "code": "method_not_allowed",
      "detail": "PUT is not offered here; GET, HEAD, POST, PATCH, DELETE, OPTIONS are"
    }
    "#);
    insta::assert_snapshot!(told("OPTIONS /api/v1/film").await, @r"
    204 No Content
    allow: GET, HEAD, POST, PATCH, DELETE, OPTIONS
    ");
    insta::assert_snapshot!(told("GET /nowhere").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "instance": "/nowhere",
      "code": "no_such_route",
      "detail": "there is nothing at `/nowhere`",
      "hint": "records are below /api/v1/, the reference is at /docs"
    }
    "#);
    insta::assert_snapshot!(told("POST /api/v1/call/Flim").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "instance": "/api/v1/call/Flim",
      "code": "no_such_node",
      "detail": "there is no node `Flim`"
    }
    "#);
    insta::assert_snapshot!(told("POST /api/v1/call/Film.raed\nauthorization: Bearer good").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "instance": "/api/v1/call/Film.raed",
      "code": "no_such_node",
      "detail": "there is no node `Film.raed`",
      "hint": "did you mean `Film.read`?"
    }
    "#);
    insta::assert_snapshot!(told("POST /api/v1/call/auth.verify\nauthorization: Bearer good").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "instance": "/api/v1/call/auth.verify",
      "code": "no_such_node",
      "detail": "there is no node `auth.verify`"
    }
    "#);
    insta::assert_snapshot!(told("GET /docs/problems/nonsense").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "instance": "/docs/problems",
      "code": "no_such_route",
      "detail": "there is no problem code of this name",
      "hint": "all of them are at /docs/problems"
    }
    "#);
}

#[tokio::test]
async fn who_calls_is_asked_once_and_refused_plainly() {
    insta::assert_snapshot!(told("GET /api/v1/secret").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    www-authenticate: Bearer
    {
      "instance": "/api/v1/secret",
      "code": "unauthenticated",
      "detail": "a credential is needed"
    }
    "#);
    insta::assert_snapshot!(told("GET /api/v1/film\nauthorization: Bearer bad").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    www-authenticate: Bearer error="invalid_token"
    {
      "instance": "/api/v1/film",
      "code": "unauthenticated",
      "detail": "the key is not known"
    }
    "#);
    insta::assert_snapshot!(told("GET /api/v1/film\nauthorization: Basic eDp5").await, @r#"
    401 Unauthorized
    content-type: application/problem+json
    www-authenticate: Bearer error="invalid_token"
    {
      "instance": "/api/v1/film",
      "code": "unauthenticated",
      "detail": "the header `authorization` is not of the form `Bearer <key or token>`"
    }
    "#);
    for write in ["DELETE /api/v1/film/{ID}", "POST /api/v1/call/Film.delete"] {
        let write = write.replace("{ID}", ID);
        let told = told(&format!("{write}\nauthorization: Bearer reader")).await;
        let told = told.replace(&write[write.find('/').unwrap()..], "…");
        insta::allow_duplicates! {
            insta::assert_snapshot!(told, @r#"
            403 Forbidden
            content-type: application/problem+json
            www-authenticate: Bearer error="insufficient_scope", scope="gantry:write"
            {
              "instance": "…",
              "code": "insufficient_scope",
              "detail": "it needs the scope to write"
            }
            "#);
        }
    }
    insta::assert_snapshot!(told("GET /api/v1/secret\nauthorization: Bearer good").await, @r#"
    200 OK
    content-range: items 0-1/*
    content-type: application/json
    link: </api/v1/secret?cursor=abc>; rel="next"
    next-cursor: abc
    {"node":"Secret.list","query":"","media":"application/json","input":"","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
}

#[tokio::test]
async fn every_node_can_be_called_by_its_name() {
    insta::assert_snapshot!(told("POST /api/v1/call/Film.read?id=1\n\n{}").await, @r#"
    200 OK
    content-type: application/json
    etag: "3"
    gantry-meta: i0199c2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f;v3
    {"node":"Film.read","query":"id=1","media":"application/json","input":"{}","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
    insta::assert_snapshot!(told("POST /api/v1/tx\n\n{\"ops\": []}").await, @r#"
    200 OK
    content-type: application/json
    gantry-meta: 
    {"node":"tx","query":"","media":"application/json","input":"{\"ops\": []}","options":"Options { accept: Json, if_version: None, idempotency_key: None, dry_run: false, count: None, max_affected: None, reply: Representation, session: None, step: None }"}
    "#);
}

#[tokio::test]
async fn a_body_is_bounded_before_and_after_it_is_unpacked() {
    let long = "x".repeat((8 << 20) + 1);
    let response = ask(&format!("POST /api/v1/film\n\n{long}")).await;
    assert_eq!(response.status(), 413);
    insta::assert_snapshot!(told("POST /api/v1/film\ncontent-encoding: br\n\nx").await, @r#"
    415 Unsupported Media Type
    content-type: application/problem+json
    {
      "instance": "/api/v1/film",
      "code": "unsupported_media_type",
      "detail": "the body is packed in a way that is not read here",
      "hint": "send it as it is, or with `Content-Encoding: gzip` or `zstd`"
    }
    "#);
    insta::assert_snapshot!(told("POST /api/v1/film\ncontent-encoding: gzip\n\nx").await, @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "instance": "/api/v1/film",
      "code": "bad_request",
      "detail": "the body cannot be read to its end: Invalid gzip header"
    }
    "#);
}

#[tokio::test]
async fn answers_are_compressed_where_that_saves() {
    let encoding = async |request: &str| {
        let response = ask(request).await;
        response
            .headers()
            .get("content-encoding")
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(
        encoding("GET /openapi.json\naccept-encoding: gzip")
            .await
            .as_deref(),
        Some("gzip")
    );
    assert_eq!(
        encoding("GET /openapi.json\naccept-encoding: zstd, gzip;q=0.5")
            .await
            .as_deref(),
        Some("zstd")
    );
    assert_eq!(encoding("GET /openapi.json").await, None);
    assert_eq!(
        encoding("GET /api/v1/film\naccept-encoding: gzip").await,
        None
    );
}
