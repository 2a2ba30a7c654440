//! Who is not let in, on every way in, and what a client is told to do about it.

use mcp_face::Settings;
use serde_json::{Value, json};

use crate::socket::{Answer, Server};
use crate::world::{LEGACY, MODERN, World, with};

const WAYS: [&str; 8] = [
    "POST /mcp",
    "GET /mcp",
    "DELETE /mcp",
    "POST /mcp/critic",
    "GET /mcp/critic",
    "DELETE /mcp/critic",
    "GET /ws",
    "GET /ws/critic",
];
const EVIL: &str = "http://evil.example";

fn closed() -> Settings {
    Settings {
        anonymous: false,
        ..Settings::default()
    }
}

fn discover() -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}})
}

fn create(id: u32) -> Value {
    let mut message = discover();
    message["id"] = json!(id);
    message["method"] = json!("tools/call");
    message["params"]["name"] = json!("records_create");
    message["params"]["arguments"] = json!({"model": "Film", "values": {"title": "Up"}});
    message
}

fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let document: Value = serde_json::from_str(&answer.text).unwrap();
    (answer.status, document["code"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_on_every_way_in() {
    with(closed(), async |world| {
        let server = Server::start(&world.calls, closed()).await;
        let host = server.address.to_string();
        let own = format!("http://{host}");
        let good = format!("Bearer {}", world.reader);
        let metadata = format!("{own}/.well-known/oauth-protected-resource/mcp");
        let asks = format!("Bearer resource_metadata=\"{metadata}\", scope=\"gantry:read\"");
        let again = asks.replace("scope=", "error=\"invalid_token\", scope=");
        // Credential, Host, Origin; what is answered, and what one is told to do.
        let none = None;
        let forbidden = (403, "forbidden");
        let unknown = (401, "unauthenticated");
        let cases = [
            (none, &*host, none, unknown, Some(&*asks)),
            (Some("Bearer gk_x"), &host, none, unknown, Some(&again)),
            (Some("Basic eDp5"), &host, none, unknown, Some(&again)),
            (none, &host, Some(&*own), unknown, Some(&asks)),
            (none, &host, Some(EVIL), forbidden, none),
            (Some(&*good), &host, Some(EVIL), forbidden, none),
            (Some(&good), &host, Some("null"), forbidden, none),
            (
                Some(&good),
                &host,
                Some("http://127.0.0.1:1"),
                forbidden,
                none,
            ),
            (Some(&good), "evil.example", none, forbidden, none),
            (Some(&good), "evil.example", Some(EVIL), forbidden, none),
            (Some(&good), "", none, forbidden, none),
        ];
        for way in WAYS {
            for (credential, host, origin, (status, code), challenge) in cases {
                let mut headers = vec![("host", host), ("mcp-protocol-version", MODERN)];
                headers.extend(credential.map(|value| ("authorization", value)));
                headers.extend(origin.map(|value| ("origin", value)));
                let answer = server.ask(way, &headers, &discover().to_string()).await;
                let case = format!("{way} {headers:?}: {}", answer.text);
                assert_eq!(problem(&answer), (status, code.to_owned()), "{case}");
                assert_eq!(answer.header("www-authenticate"), challenge, "{case}");
            }
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_key_is_let_in_from_the_servers_own_pages_too() {
    with(closed(), async |world| {
        let server = Server::start(&world.calls, closed()).await;
        let host = server.address.to_string();
        let own = format!("http://{host}");
        let bearer = format!("Bearer {}", world.reader);
        for way in WAYS {
            for origin in [None, Some(own.as_str())] {
                let mut headers = vec![("host", host.as_str()), ("authorization", &bearer)];
                headers.extend([
                    ("mcp-protocol-version", MODERN),
                    ("mcp-method", "server/discover"),
                ]);
                headers.extend(origin.map(|value| ("origin", value)));
                let answer = server.ask(way, &headers, &discover().to_string()).await;
                // The newer protocol knows no other methods.
                let expected = match way.split(' ').next() {
                    Some("POST") => 200,
                    _ if way.contains("/ws") => 101,
                    _ => 405,
                };
                let case = format!("{way} {headers:?}: {}", answer.text);
                assert_eq!(answer.status, expected, "{case}");
            }
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_nobody_elses() {
    with(closed(), async |world| {
        let (id, own) = session(world, &world.reader).await;
        let other = format!("Bearer {}", world.writer);
        let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}).to_string();
        for (credential, status) in [(Some(&other), 404), (None, 401)] {
            for way in ["POST /mcp", "GET /mcp", "DELETE /mcp"] {
                let mut headers = vec![("mcp-session-id", &*id), ("mcp-protocol-version", LEGACY)];
                headers.extend(credential.map(|value| ("authorization", value.as_str())));
                let told = world.ask(way, &headers, &ping).await;
                assert_eq!(told.status, status, "{way}: {}", told.text);
            }
        }
        let own = [
            ("mcp-session-id", &*id),
            ("mcp-protocol-version", LEGACY),
            ("authorization", &own),
        ];
        assert_eq!(world.ask("POST /mcp", &own, &ping).await.status, 200);
    })
    .await;
}

/// A session of the older protocol: its id, and its owner's credential.
async fn session(world: &World, key: &str) -> (String, String) {
    let bearer = format!("Bearer {key}");
    let params = json!({
        "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"},
    });
    let opener = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
    let headers = [("authorization", bearer.as_str())];
    let begun = world.ask("POST /mcp", &headers, &opener.to_string()).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    let id = begun.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    let headers = [
        ("authorization", bearer.as_str()),
        ("mcp-session-id", &id),
        ("mcp-protocol-version", LEGACY),
    ];
    assert_eq!(world.ask("POST /mcp", &headers, &ready).await.status, 202);
    (id, bearer)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_is_told_which_scope_is_missing() {
    with(closed(), async |world| {
        let server = Server::start(&world.calls, closed()).await;
        let host = server.address.to_string();
        for key in [&world.reader, &world.silent] {
            // Where the head names the tool, HTTP says it, so that a client can ask for more.
            let params = create(0)["params"].take();
            let told = world.request(key, "tools/call", params, json!({})).await;
            assert_eq!(told.status, 403, "{}", told.text);
            assert_eq!(told.json()["code"], "insufficient_scope");
            let challenge = told.headers["www-authenticate"].to_str().unwrap();
            let expected = "error=\"insufficient_scope\", scope=\"gantry:read gantry:write\"";
            assert!(challenge.ends_with(expected), "{challenge}");

            // Where it does not, the result says it.
            let (id, bearer) = session(world, key).await;
            let headers = [
                ("authorization", bearer.as_str()),
                ("mcp-session-id", &id),
                ("mcp-protocol-version", LEGACY),
            ];
            let mut call = create(2);
            call["params"].as_object_mut().unwrap().remove("_meta");
            let told = world.ask("POST /mcp", &headers, &call.to_string()).await;
            assert_eq!(told.status, 200, "{}", told.text);
            refused(&told.json());

            let headers = [("host", host.as_str()), ("authorization", &bearer)];
            let mut socket = server.ask("GET /ws", &headers, "").await;
            refused(&socket.message(&create(3)).await);
        }
        let count = json!({"model": "Film"});
        let (counted, _) = world.tool(&world.reader, "records_count", count).await;
        assert_eq!(counted["count"], 0);
        server.stop().await;
    })
    .await;
}

fn refused(message: &Value) {
    let result = &message["result"];
    assert_eq!(result["isError"], true, "{message}");
    let code = &result["structuredContent"]["problem"]["code"];
    assert_eq!(code, "insufficient_scope", "{message}");
}
