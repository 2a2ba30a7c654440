//! The older protocol with its sessions, and the other ways in.

use mcp_face::Settings;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::world::{self, LEGACY, everywhere};

fn initialize() -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"},
    }})
    .to_string()
}

fn call(id: u32) -> String {
    let params = json!({"name": "records_count", "arguments": {"model": "Film"}});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_its_owners_and_outlives_the_process() {
    everywhere(async |world| {
        let bearer = format!("Bearer {}", world.reader);
        let begun = world
            .ask("POST /mcp", &[("authorization", &bearer)], &initialize())
            .await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        assert_eq!(begun.json()["result"]["protocolVersion"], LEGACY);
        let id = begun.headers["mcp-session-id"].to_str().unwrap().to_owned();
        let own = [
            ("authorization", bearer.as_str()),
            ("mcp-session-id", &id),
            ("mcp-protocol-version", LEGACY),
        ];
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        assert_eq!(world.ask("POST /mcp", &own, &ready).await.status, 202);
        let told = world.ask("POST /mcp", &own, &call(2)).await;
        assert_eq!(
            told.json()["result"]["structuredContent"]["count"],
            0,
            "{}",
            told.text
        );

        // Another process over the same rows, as after a restart or on another replica.
        let stopping = CancellationToken::new();
        let other = world::router(&world.calls, Settings::default(), &stopping);
        let told = world::ask(&other, "POST /mcp", &own, &call(3)).await;
        assert_eq!(
            told.json()["result"]["structuredContent"]["count"],
            0,
            "{}",
            told.text
        );

        // Neither process takes it from somebody else.
        let thief = format!("Bearer {}", world.writer);
        let stolen = [
            ("authorization", thief.as_str()),
            ("mcp-session-id", &id),
            ("mcp-protocol-version", LEGACY),
        ];
        for router in [&world.router, &other] {
            assert_eq!(
                world::ask(router, "POST /mcp", &stolen, &call(4))
                    .await
                    .status,
                404
            );
        }
        assert!(world.ask("DELETE /mcp", &own, "").await.status.is_success());
        let fresh = world::router(&world.calls, Settings::default(), &stopping);
        for router in [&world.router, &fresh] {
            assert_eq!(
                world::ask(router, "POST /mcp", &own, &call(5)).await.status,
                404
            );
        }
        stopping.cancel();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_eras_are_on_one_path() {
    everywhere(async |world| {
        let discovered = world
            .result(&world.reader, "server/discover", json!({}))
            .await;
        let versions = discovered["supportedVersions"].as_array().unwrap();
        assert!(
            versions.contains(&json!("2026-07-28")) && versions.contains(&json!(LEGACY)),
            "{versions:?}"
        );
        let told = world
            .request(&world.reader, "nothing/here", json!({}), json!({}))
            .await;
        assert_eq!(
            (told.status.as_u16(), told.json()["error"]["code"].clone()),
            (404, json!(-32601))
        );
        let _: Value = told.json();
    })
    .await;
}
