//! `/nexus/v1/sessions`, whose sessions are those of every other channel.

use serde_json::{Value, json};

use crate::world::everywhere;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_opened_changed_and_ended_and_is_its_openers() {
    everywhere(&[], async |world| {
        let opened = world
            .post("/sessions", json!({"state": {"a": 1, "b": 2}, "ttl": 60}))
            .await;
        assert_eq!(opened.status, 201, "{}", opened.text);
        let id = opened.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(
            opened.header("location"),
            format!("/nexus/v1/sessions/{id}")
        );
        let cookie = format!("gantry_session={id}; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(opened.header("set-cookie"), cookie);

        let path = format!("/sessions/{id}");
        let merge = json!({"a": null, "c": {"d": "ä"}});
        let changed = world.ask(&format!("PATCH {path}"), &[], &merge).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let state = json!({"b": 2, "c": {"d": "ä"}});
        assert_eq!(world.get(&path).await["state"], state);
        // The same session by the cookie, at the node.
        let cookie = [("cookie", format!("gantry_session={id}"))];
        let cookie = cookie
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect::<Vec<_>>();
        let told = world
            .ask("POST /call/session.read", &cookie, &json!({}))
            .await;
        assert_eq!(told.json()["state"], state, "{}", told.text);
        let listed = world.get("/sessions?limit=5").await;
        assert_eq!(listed.as_array().unwrap().len(), 1);
        assert!(listed[0]["state"].is_null(), "{listed}");

        let editor = format!("Bearer {}", world.editor);
        let foreign = [("authorization", editor.as_str())];
        let line = format!("GET {path}");
        let refused = world.ask(&line, &foreign, &Value::Null).await;
        assert_eq!(refused.problem(), (404, "not_found".to_owned()));
        let wrong = world
            .ask("GET /sessions?limit=many", &[], &Value::Null)
            .await;
        assert_eq!(wrong.status, 400, "{}", wrong.text);
        let wrong = world.post("/sessions", json!({"stat": {}})).await;
        assert_eq!(wrong.status, 422, "{}", wrong.text);
        let line = format!("PATCH {path}");
        let wrong = world.ask(&line, &[], &json!([1])).await;
        assert_eq!(wrong.status, 422, "{}", wrong.text);

        let ended = world
            .ask(&format!("DELETE {path}"), &[], &Value::Null)
            .await;
        assert_eq!((ended.status.as_u16(), ended.text.as_str()), (204, ""));
        let line = format!("GET {path}");
        assert_eq!(world.ask(&line, &[], &Value::Null).await.status, 404);
    })
    .await;
}
