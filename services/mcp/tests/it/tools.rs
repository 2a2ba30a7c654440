//! What agents do with records.

use serde_json::{Value, json};

use crate::world::{self, World, everywhere};

fn names(tools: &Value) -> Vec<&str> {
    let tools = tools["tools"].as_array().unwrap().iter();
    tools.map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_made_read_changed_and_deleted() {
    everywhere(async |world| {
        let made = world
            .done("records_create", json!({"model": "Film", "values": {"title": "Alien", "gross": 9_007_199_254_740_993_i64, "rating": "8.50"}}))
            .await;
        assert_eq!(made["created"], true);
        let id = made["record"]["id"].as_str().unwrap();
        let read = world.done("records_get", json!({"model": "Film", "id": id})).await;
        assert_eq!(read["record"]["gross"], json!(9_007_199_254_740_993_i64));
        assert_eq!(read["record"]["rating"], "8.50");
        let change = json!({"model": "film", "id": id, "values": {"title": "Aliens"}, "if_version": 1});
        let changed = world.done("records_update", change.clone()).await;
        assert_eq!(changed["record"]["_version"], 2);
        assert_eq!(world.refused("records_update", change).await.0, "version_mismatch");
        let same = json!({"model": "Film", "on": ["title"], "values": {"title": "Aliens", "gross": 5}});
        assert_eq!(world.done("records_upsert", same).await["record"]["gross"], 5);
        let found = world.done("records_search", json!({"model": "Film", "q": "aliens"})).await;
        assert_eq!(found["records"][0]["id"], id);
        let dry = world.done("records_delete", json!({"model": "Film", "id": id, "dry_run": true})).await;
        assert_eq!(dry["rolled_back"], true);
        world.done("records_delete", json!({"model": "Film", "id": id})).await;
        let (code, _) = world.refused("records_get", json!({"model": "Film", "id": id})).await;
        assert_eq!(code, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_does_it_once() {
    everywhere(async |world| {
        let film = json!({"model": "Film", "values": {"title": "Brazil"}, "idempotency_key": "k1"});
        let first = world.done("records_create", film.clone()).await;
        let again = world.done("records_create", film).await;
        assert_eq!(again["replayed"], true);
        assert_eq!(again["record"], first["record"]);
        assert_eq!(
            world.done("records_count", json!({"model": "Film"})).await["count"],
            1
        );
    })
    .await;
}

async fn films(world: &World, count: usize) {
    let ops: Vec<Value> = (0..count)
        .map(|n| json!({"op": "create", "values": {"title": format!("Film {n:03}"), "gross": n, "rating": "5"}}))
        .collect();
    let made = world
        .done("records_bulk", json!({"model": "Film", "ops": ops}))
        .await;
    assert_eq!(made["changed"], count);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_to_the_end() {
    everywhere(async |world| {
        films(world, 25).await;
        let mut seen = Vec::new();
        let mut arguments = json!({"model": "Film", "order": ["gross.asc"], "select": ["gross"], "limit": 10, "count": true});
        loop {
            let page = world.done("records_list", arguments.clone()).await;
            assert_eq!(page["count"], 25);
            seen.extend(page["records"].as_array().unwrap().iter().map(|film| film["gross"].as_u64().unwrap()));
            match page.get("next_cursor") {
                Some(cursor) => arguments["cursor"] = cursor.clone(),
                None => break,
            }
        }
        assert_eq!(seen, (0..25).collect::<Vec<u64>>());
        let groups = world
            .done("records_aggregate", json!({"model": "Film", "group": ["rating"], "measures": {"n": "count", "most": "max(gross)"}}))
            .await;
        assert_eq!(groups["groups"][0]["n"], 25);
        assert_eq!(groups["groups"][0]["most"], 24);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_cut_and_says_how_to_go_on() {
    let mut settings = mcp_face::Settings::default();
    settings.limits.bytes = 500;
    world::with(settings, async |world| {
        films(world, 30).await;
        let (mut seen, mut cuts) = (0, 0);
        let mut arguments = json!({"model": "Film", "order": ["gross.asc"], "select": ["title", "gross"], "limit": 30});
        loop {
            let page = world.done("records_list", arguments.clone()).await;
            for film in page["records"].as_array().unwrap() {
                assert_eq!(film["gross"], seen);
                seen += 1;
            }
            cuts += u32::from(page.get("cut").is_some());
            match page.get("next_cursor") {
                Some(cursor) => arguments["cursor"] = cursor.clone(),
                None => break,
            }
        }
        assert_eq!(seen, 30);
        assert!(cuts > 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_where_they_stand() {
    everywhere(async |world| {
        let cases = [
            ("records_list", json!({}), "invalid_input", "/model"),
            (
                "records_list",
                json!({"model": "Fim"}),
                "invalid_input",
                "/model",
            ),
            (
                "records_list",
                json!({"model": 3}),
                "invalid_input",
                "/model",
            ),
            (
                "records_list",
                json!({"model": "Film", "wher": {}}),
                "invalid_input",
                "/wher",
            ),
            (
                "records_list",
                json!({"model": "Film", "limit": 101}),
                "limit_exceeded",
                "/limit",
            ),
            (
                "records_list",
                json!({"model": "Film", "where": {"titel": "x"}}),
                "invalid_input",
                "/where/titel",
            ),
            (
                "records_create",
                json!({"model": "Film", "values": {"gross": "x"}}),
                "invalid_input",
                "/values/gross",
            ),
            (
                "records_update",
                json!({"model": "Film", "id": uuid(), "values": {"titel": "x"}}),
                "invalid_input",
                "/values/titel",
            ),
            (
                "records_update",
                json!({"model": "Film", "id": uuid(), "values": {"id": uuid()}}),
                "invalid_input",
                "/values/id",
            ),
            (
                "records_create",
                json!({"model": "Film", "values": {"title": "x"}, "dry_run": "yes"}),
                "invalid_input",
                "/dry_run",
            ),
        ];
        for (tool, arguments, code, pointer) in cases {
            let (found, pointers) = world.refused(tool, arguments.clone()).await;
            assert_eq!(found, code, "{tool} {arguments}");
            assert!(
                pointer.is_empty() || pointers.iter().any(|at| at == pointer),
                "{tool} {arguments}: {pointers:?}"
            );
        }
        assert_eq!(
            world.done("records_count", json!({"model": "Film"})).await["count"],
            0
        );
        let told = world
            .request(
                &world.writer,
                "tools/call",
                json!({"name": "record_list", "arguments": {}}),
                json!({}),
            )
            .await;
        let message = told.json();
        assert_eq!(message["error"]["code"], -32602);
        assert!(
            message["error"]["message"]
                .as_str()
                .unwrap()
                .contains("did you mean `records_list`")
        );
    })
    .await;
}

fn uuid() -> &'static str {
    "00000000-0000-7000-8000-000000000001"
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_says_so_may_write() {
    everywhere(async |world| {
        for key in [&world.reader, &world.silent] {
            let tools = world.result(key, "tools/list", json!({})).await;
            assert!(!names(&tools).contains(&"records_create"), "{:?}", names(&tools));
            let read_only = |tool: &Value| tool["annotations"]["readOnlyHint"] == true;
            assert!(tools["tools"].as_array().unwrap().iter().all(read_only));
            let params = json!({"name": "records_create", "arguments": {"model": "Film", "values": {"title": "x"}}});
            let told = world.request(key, "tools/call", params, json!({})).await;
            assert_eq!(told.status, 403);
            let challenge = told.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
            assert!(challenge.contains("gantry:write"), "{challenge}");
        }
        let tools = world.result(&world.writer, "tools/list", json!({})).await;
        assert!(names(&tools).contains(&"records_create"));
        // The model that asks for tools of its own has them, and no other.
        assert!(names(&tools).contains(&"person_create"));
        assert!(!names(&tools).contains(&"film_create"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_models_own_tools_have_its_own_schema() {
    everywhere(async |world| {
        let made = world
            .done("person_create", json!({"name": "Ridley Scott"}))
            .await;
        let listed = world
            .done("person_list", json!({"where": {"name": "Ridley Scott"}}))
            .await;
        assert_eq!(listed["records"][0], made["record"]);
        let tools = world.result(&world.writer, "tools/list", json!({})).await;
        let all = tools["tools"].as_array().unwrap();
        let create = all
            .iter()
            .find(|tool| tool["name"] == "person_create")
            .unwrap();
        assert_eq!(create["inputSchema"]["required"], json!(["name"]));
        assert_eq!(
            create["inputSchema"]["properties"]["name"]["type"],
            "string"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_tools_is_as_it_was() {
    testkit::on_both_engines(async |_| {}).await;
    everywhere(async |world| {
        let tools = world.result(&world.writer, "tools/list", json!({})).await;
        assert_eq!(tools["cacheScope"], "private");
        insta::assert_json_snapshot!("tools", tools["tools"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_no_more_than_it_names() {
    everywhere(async |world| {
        let bearer = format!("Bearer {}", world.writer);
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
            "io.modelcontextprotocol/protocolVersion": world::MODERN, "io.modelcontextprotocol/clientCapabilities": {},
        }}});
        let headers = [("mcp-protocol-version", world::MODERN), ("mcp-method", "tools/list"), ("authorization", bearer.as_str())];
        let told = world.ask("POST /mcp/critic", &headers, &body.to_string()).await;
        let message = told.json();
        assert_eq!(names(&message["result"]), ["models_describe", "records_list", "records_get"]);
        assert_eq!(message["result"]["tools"][1]["inputSchema"]["properties"]["model"]["enum"], json!(["Film"]));
        let told = world.ask("POST /mcp/critics", &headers, &body.to_string()).await;
        assert_eq!(told.status, 404);
        assert!(told.text.contains("`critic`"), "{}", told.text);
    })
    .await;
}
