//! Tokens of an OAuth issuer, as REST meets them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};
use wire::{AuthServers, Call, Caller};

use crate::stack::{SECRET, on_every_stack};

/// An editor's, with these claims instead or besides.
fn token(changes: &Value) -> String {
    let mut claims = json!({
        "iss": "https://login.example.com/", "aud": "https://data.example.com", "sub": "ada", "exp": now() + 60,
        "roles": ["admin"], "scope": "gantry:read gantry:write",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256"})), part(&claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let mac = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs()
}

#[tokio::test]
async fn a_token_opens_what_its_roles_and_scopes_do() {
    on_every_stack(false, async |stack| {
        let of = |changes: Value| stack.with(&token(&changes));
        let ada = of(json!({}));
        let made = ada.post("/api/v1/person", json!({"name": "Ann"})).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(made.json()["created_by"], "login:ada");
        let place = made.header("location").to_owned();

        let reader = of(json!({"scope": "openid gantry:read"}));
        assert_eq!(reader.get(&place).await.status, 200);
        for (line, needed) in [
            (format!("DELETE {place}"), "gantry:write"),
            ("POST /api/v1/person".to_owned(), "gantry:write"),
            ("POST /api/v1/tx".to_owned(), "gantry:write"),
            ("POST /api/v1/call/Person.create".to_owned(), "gantry:write"),
            ("POST /api/v1/call/key.create".to_owned(), "gantry:write"),
        ] {
            let told = reader.ask(&line, &[], "{}").await;
            let problem = (403, "insufficient_scope".to_owned());
            assert_eq!(told.problem(), problem, "{line}: {}", told.text);
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
            assert_eq!(told.header("www-authenticate"), challenge);
        }
        let listed = reader.get("/api/v1/call").await.json();
        let mut nodes = listed["nodes"].as_array().unwrap().iter();
        assert!(nodes.all(|node| node["hints"]["read_only"] == true));
        let nothing = of(json!({"scope": "openid"}));
        for (line, expected) in [
            ("GET /api/v1/film", (403, "insufficient_scope")),
            ("GET /api/v1/person", (403, "insufficient_scope")),
            ("POST /api/v1/call/Person.list", (403, "insufficient_scope")),
            ("GET /api/v1/changes", (403, "insufficient_scope")),
            ("GET /api/v1/nothing", (404, "no_such_route")),
            ("POST /api/v1/call/Nothing.list", (404, "no_such_node")),
            ("POST /api/v1/call/auth.verify", (404, "no_such_node")),
        ] {
            let told = nothing.ask(line, &[], "{}").await;
            let (status, code) = told.problem();
            assert_eq!((status, code.as_str()), expected, "{line}: {}", told.text);
            if status == 403 {
                assert!(
                    told.header("www-authenticate")
                        .ends_with("scope=\"gantry:read\"")
                );
            }
        }

        // A role that no rule names opens what everybody may see.
        let stranger = of(json!({"roles": "stranger"}));
        assert_eq!(stranger.get("/api/v1/film").await.status, 200);
        let refused = stranger.post("/api/v1/film", json!({"title": "A"})).await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_not_taken_says_no_more_than_it_must() {
    on_every_stack(false, async |stack| {
        let good = token(&json!({}));
        let (signed, _) = good.rsplit_once('.').unwrap();
        for (credential, expected) in [
            (token(&json!({"exp": now() - 31})), "the token has expired"),
            (
                token(&json!({"aud": "other"})),
                "the token is for another audience",
            ),
            (token(&json!({"iss": "other"})), "the token is unknown"),
            (token(&json!({"nbf": now() + 99})), "the token is unknown"),
            (format!("{signed}.AAAA"), "the token is unknown"),
            ("a.b.c".to_owned(), "the token is unknown"),
            (
                "a.b".to_owned(),
                "the credential is unknown, expired or revoked",
            ),
        ] {
            let told = stack.with(&credential).get("/api/v1/film").await;
            assert_eq!(told.problem(), (401, "unauthenticated".to_owned()));
            assert_eq!(told.json()["detail"], expected);
            assert_eq!(
                told.header("www-authenticate"),
                "Bearer error=\"invalid_token\""
            );
        }
        let told = stack.without_key().get("/api/v1/person").await;
        assert_eq!(told.header("www-authenticate"), "Bearer");
    })
    .await;
}

#[tokio::test]
async fn a_stream_of_changes_ends_with_its_token() {
    on_every_stack(false, async |stack| {
        let begun = Instant::now();
        let short = stack.with(&token(&json!({"exp": now() + 2})));
        let told = short.get("/api/v1/changes").await;
        assert_eq!(told.status, 200, "{}", told.text);
        let took = begun.elapsed();
        assert!(
            (Duration::from_millis(900)..Duration::from_secs(5)).contains(&took),
            "{took:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn faces_learn_whose_tokens_are_taken() {
    on_every_stack(false, async |stack| {
        let node = "auth.servers".parse().unwrap();
        let call = Call::new(node, Caller::Anonymous, wire::Body::json("{}"));
        let answer = stack.calls.call(call).await.unwrap();
        let servers = answer.body.collect(9999).await.unwrap();
        let servers: AuthServers = serde_json::from_slice(&servers).unwrap();
        assert_eq!(servers.issuers, ["https://login.example.com/"]);
        assert_eq!(servers.audiences, ["https://data.example.com"]);
        let health = stack.calls.health().await;
        let told = serde_json::to_value(&health).unwrap().to_string();
        assert!(told.contains("issuer login"), "{told}");
        let hidden = stack.post("/api/v1/call/auth.servers", json!({})).await;
        assert_eq!(hidden.status, 404);
    })
    .await;
}
