//! REST down to the rows: the same stories on every stack.

use client::Client;
use serde_json::json;
use wire::{Caller, Calls as _};

use crate::stack::on_every_stack;

#[tokio::test]
async fn a_record_lives_and_comes_back() {
    on_every_stack(true, async |stack| {
        let made = stack
            .post(
                "/api/v1/film",
                json!({ "title": "Alien", "gross": 9_007_199_254_740_993_i64 }),
            )
            .await;
        assert_eq!(
            (made.status.as_u16(), made.header("etag")),
            (201, "\"1\""),
            "{}",
            made.text
        );
        let place = made.header("location").to_owned();
        let read = stack.get(&place).await;
        assert_eq!((read.status.as_u16(), &read.text), (200, &made.text));
        assert_eq!(read.json()["gross"], json!(9_007_199_254_740_993_i64));

        let known = stack
            .ask(&format!("GET {place}"), &[("if-none-match", "\"1\"")], "")
            .await;
        assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));

        let patch = format!("PATCH {place}");
        let changed = stack
            .ask(&patch, &[("if-match", "\"1\"")], r#"{"rating": "7.50"}"#)
            .await;
        assert_eq!(
            (changed.status.as_u16(), changed.header("etag")),
            (200, "\"2\""),
            "{}",
            changed.text
        );
        assert_eq!(changed.json()["rating"], "7.50");
        let late = stack
            .ask(&patch, &[("if-match", "\"1\"")], r#"{"rating": "1"}"#)
            .await;
        assert_eq!(late.problem(), (412, "version_mismatch".to_owned()));
        assert_eq!(late.json()["current_version"], 2);
        let weak = stack
            .ask(&patch, &[("if-match", "W/\"2\"")], r#"{"rating": "1"}"#)
            .await;
        assert_eq!(weak.status, 412);

        let tried = stack
            .ask(&patch, &[("prefer", "tx=rollback")], r#"{"rating": "1"}"#)
            .await;
        assert_eq!(
            (tried.status.as_u16(), tried.header("preference-applied")),
            (200, "tx=rollback")
        );
        assert_eq!(stack.get(&place).await.json()["rating"], "7.50");

        let gone = stack
            .ask(
                &format!("DELETE {place}"),
                &[("prefer", "return=minimal")],
                "",
            )
            .await;
        assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
        assert_eq!(
            stack.get(&place).await.problem(),
            (404, "not_found".to_owned())
        );
        let back = stack.ask(&format!("POST {place}:restore"), &[], "").await;
        assert_eq!(back.status, 200, "{}", back.text);
        assert_eq!(stack.get(&place).await.json()["title"], "Alien");
    })
    .await;
}

#[tokio::test]
async fn a_list_is_paged_counted_and_given_as_asked() {
    on_every_stack(true, async |stack| {
        let films: Vec<_> = (0..5)
            .map(|n| json!({ "title": format!("Film {n}"), "gross": n % 2 }))
            .collect();
        let made = stack.post("/api/v1/film", json!(films)).await;
        assert!(made.status.is_success(), "{}", made.text);
        let csv = stack
            .ask(
                "POST /api/v1/film",
                &[("content-type", "text/csv")],
                "title,gross\nFilm 5,1\n",
            )
            .await;
        assert!(csv.status.is_success(), "{}", csv.text);

        let mut titles = Vec::new();
        let mut path = "/api/v1/film?order=gross.desc,title&limit=2&select=title".to_owned();
        for page in 0..3 {
            let told = stack
                .ask(&format!("GET {path}"), &[("prefer", "count=exact")], "")
                .await;
            assert_eq!(told.status, 200, "{}", told.text);
            assert!(
                told.header("content-range").ends_with("/6"),
                "{page}: {}",
                told.header("content-range")
            );
            titles.extend(
                told.json()
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|film| film["title"].as_str().unwrap().to_owned()),
            );
            let link = told.header("link");
            path = link
                .strip_prefix('<')
                .and_then(|link| link.split_once('>'))
                .map_or(String::new(), |(path, _)| path.to_owned());
        }
        assert_eq!(
            titles,
            ["Film 1", "Film 3", "Film 5", "Film 0", "Film 2", "Film 4"]
        );
        assert_eq!(path, "", "the last page has no next");

        let csv = stack
            .ask(
                "GET /api/v1/film?order=title&limit=1&select=title,gross",
                &[("accept", "text/csv")],
                "",
            )
            .await;
        assert_eq!(
            (csv.header("content-type"), csv.text.lines().count()),
            ("text/csv", 2),
            "{}",
            csv.text
        );
        let lines = stack
            .ask(
                "GET /api/v1/film",
                &[("accept", "application/x-ndjson")],
                "",
            )
            .await;
        assert_eq!(
            (lines.header("content-type"), lines.text.lines().count()),
            ("application/x-ndjson", 6)
        );
        let counted = stack.get("/api/v1/film:count?gross=eq.1").await;
        assert_eq!(counted.json(), json!({ "count": 3 }));
        let asked = stack
            .post(
                "/api/v1/film:query",
                json!({ "where": { "gross": 0 }, "limit": 9 }),
            )
            .await;
        assert_eq!(asked.json().as_array().unwrap().len(), 3);
        let head = stack.ask("HEAD /api/v1/film", &[], "").await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    })
    .await;
}

#[tokio::test]
async fn writes_happen_once_together_or_not_at_all() {
    on_every_stack(true, async |stack| {
        let key = [("idempotency-key", "k-1")];
        let first = stack
            .ask("POST /api/v1/film", &key, r#"{"title": "Once"}"#)
            .await;
        let again = stack
            .ask("POST /api/v1/film", &key, r#"{"title": "Once"}"#)
            .await;
        assert_eq!(
            (first.status.as_u16(), first.header("idempotency-replayed")),
            (201, "")
        );
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(
            (again.status.as_u16(), &again.text, again.header("location")),
            (201, &first.text, first.header("location"))
        );
        let other = stack
            .ask("POST /api/v1/film", &key, r#"{"title": "Twice"}"#)
            .await;
        assert_eq!(other.problem(), (422, "idempotency_mismatch".to_owned()));

        let name = uuid::Uuid::now_v7().to_string();
        let ops = json!({ "ops": [
            { "node": "Person.create", "as": "p", "input": { "name": name } },
            { "node": "Film.create", "input": { "title": "Cléo", "director": { "$ref": "p.id" } } },
        ] });
        let done = stack.post("/api/v1/tx", ops).await;
        assert_eq!(
            (done.status.as_u16(), done.json()["changed"].as_u64()),
            (200, Some(2)),
            "{}",
            done.text
        );
        let ops = json!({ "ops": [
            { "op": "create", "values": { "title": "Kept?" } },
            { "op": "create", "values": { "gross": 1 } },
        ] });
        let refused = stack.post("/api/v1/film:bulk", ops).await;
        assert_eq!(refused.problem(), (422, "invalid_input".to_owned()));
        assert!(
            refused.json()["errors"][0]["pointer"]
                .as_str()
                .unwrap()
                .starts_with("/ops/1"),
            "{}",
            refused.text
        );
        assert_eq!(
            stack
                .get("/api/v1/film:count?title=eq.Kept%3F")
                .await
                .json()["count"],
            0
        );

        let upsert = json!({ "on": ["name"], "values": { "name": name } });
        assert_eq!(
            stack.post("/api/v1/person:upsert", upsert).await.status,
            200
        );
        let clash = stack.post("/api/v1/person", json!({ "name": name })).await;
        assert_eq!(clash.problem(), (409, "unique_violation".to_owned()));
        let all = stack
            .ask("PATCH /api/v1/film", &[], r#"{"gross": 1}"#)
            .await;
        assert_eq!(all.problem(), (400, "unfiltered_change".to_owned()));
        let bound = stack
            .ask(
                "DELETE /api/v1/film?gross=is.null",
                &[("prefer", "max-affected=1")],
                "",
            )
            .await;
        assert_eq!(
            bound.problem(),
            (400, "max_affected_exceeded".to_owned()),
            "{}",
            bound.text
        );
    })
    .await;
}

#[tokio::test]
async fn mistakes_are_told_where_they_are() {
    on_every_stack(true, async |stack| {
        for (line, body, expected) in [
            ("GET /api/v1/film?titel=eq.a", "", (400, "invalid_query")),
            ("GET /api/v1/film?limit=99999", "", (400, "limit_exceeded")),
            (
                "GET /api/v1/film?cursor=nonsense",
                "",
                (400, "invalid_cursor"),
            ),
            ("GET /api/v1/film?title=eq.%ff", "", (400, "invalid_query")),
            ("GET /api/v1/flim", "", (404, "no_such_route")),
            ("POST /api/v1/film", "{\"title\":", (400, "malformed_body")),
            (
                "POST /api/v1/film",
                "{\"titel\": \"a\"}",
                (422, "invalid_input"),
            ),
            ("POST /api/v1/call/Film.reed", "{}", (404, "no_such_node")),
            ("PUT /api/v1/film", "", (405, "method_not_allowed")),
        ] {
            let (status, code) = expected;
            let told = stack.ask(line, &[], body).await;
            assert_eq!(
                told.problem(),
                (status, code.to_owned()),
                "{line}: {}",
                told.text
            );
            assert_eq!(told.header("content-type"), "application/problem+json");
            assert_eq!(told.json()["trace_id"].as_str().unwrap().len(), 32);
        }
        let document = stack.get("/openapi.json").await.json();
        assert!(document["paths"]["/api/v1/film/{id}"]["get"].is_object());
    })
    .await;
}

#[tokio::test]
async fn without_a_key_only_what_is_open_to_anyone_is_seen() {
    on_every_stack(false, async |stack| {
        let made = stack
            .post("/api/v1/film", json!({ "title": "Alien" }))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
        let keys = stack.post("/api/v1/call/key.list", json!({})).await;
        assert_eq!(keys.status, 200, "{}", keys.text);
        let anyone = stack.without_key();
        assert_eq!(anyone.get("/api/v1/film").await.status, 200);
        let person = anyone.get("/api/v1/person").await;
        assert_eq!(person.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(person.header("www-authenticate"), "Bearer");
        let made = anyone.post("/api/v1/film", json!({ "title": "B" })).await;
        assert_eq!(made.status, 401, "{}", made.text);
        let told = stack.with("gk_forged").get("/api/v1/film").await;
        assert_eq!(told.problem(), (401, "unauthenticated".to_owned()));
        let document = anyone.get("/openapi.json").await.json();
        assert!(document["paths"].get("/api/v1/person").is_none());
        for hidden in [
            "auth.verify",
            "session.put",
            "session.get",
            "session.delete",
            "run.claim",
            "run.renew",
            "run.advance",
            "run.definition",
            "run.hooks",
            "run.hook",
        ] {
            let path = format!("/api/v1/call/{hidden}");
            for who in [stack, &anyone] {
                let told = who.post(&path, json!({ "id": "x", "kind": "mcp" })).await;
                assert_eq!(told.problem(), (404, "no_such_node".to_owned()), "{hidden}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_command_lines_client_sees_the_public_server_as_nodes() {
    on_every_stack(false, async |stack| {
        stack
            .served(async |address| {
                let by = client::By {
                    key: stack.key.as_deref(),
                    trusted: None,
                };
                let client = Client::public(&format!("http://{address}"), &by).unwrap();
                let catalogue = client.catalogue(&Caller::Anonymous).await.unwrap();
                assert!(catalogue.model("Person").is_some());
                let mut call = wire::Call::new(
                    "Film.create".parse().unwrap(),
                    Caller::Anonymous,
                    wire::Body::json("{\"title\": \"X\"}"),
                );
                call.options.dry_run = true;
                let answer = client.call(call).await.unwrap();
                assert!(answer.meta.created && answer.meta.version == Some(1));
                let call = wire::Call::new(
                    "Film.nothing".parse().unwrap(),
                    Caller::Anonymous,
                    wire::Body::empty(),
                );
                assert_eq!(
                    client.call(call).await.unwrap_err().code,
                    wire::Code::NoSuchNode
                );
            })
            .await;
    })
    .await;
}
