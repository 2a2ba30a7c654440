//! What admins learn of migrations, over REST and from dataflow itself.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::stack::{on_every_stack, project};

#[tokio::test]
async fn an_admin_sees_what_was_migrated() {
    on_every_stack(false, async |stack| {
        let told = stack.post("/api/v1/call/migration.list", json!({ "limit": 1 }));
        let told = told.await;
        assert_eq!(told.status, 200, "{}", told.text);
        let migration = &told.json()[0];
        let steps = migration["steps"].as_array().unwrap();
        assert!(steps.contains(&json!("create table film")), "{migration}");
        let document = stack.get("/openapi.json").await.json();
        assert!(document["paths"]["/api/v1/call/migration.list"]["post"].is_object());
        let anyone = stack.without_key();
        let told = anyone.post("/api/v1/call/migration.list", json!({})).await;
        assert_eq!(told.problem(), (401, "unauthenticated".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn dataflow_tells_admins_of_its_migrations() {
    testkit::on_both_engines(async |database| {
        for (open, status) in [(true, 200), (false, 401)] {
            let folder = tempfile::tempdir().unwrap();
            let app = project(folder.path(), &database, open).await;
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let stopping = CancellationToken::new();
            let asked = async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let request =
                    b"GET /migrations HTTP/1.1\r\nhost: dataflow\r\nconnection: close\r\n\r\n";
                stream.write_all(request).await.unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).await.unwrap();
                stopping.cancel();
                text
            };
            let served = dataflow::Served::of(&app);
            let serving = dataflow::serve(listener, served, stopping.clone());
            let (text, ()) = tokio::join!(asked, serving);
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{text}");
            if open {
                let told: Value = serde_json::from_str(body).unwrap();
                assert_eq!(told["applied"].as_array().unwrap().len(), 1, "{told}");
                let open = (&told["pending"]["steps"], &told["drift"]);
                assert_eq!(open, (&json!([]), &json!([])));
            }
            app.close().await;
        }
    })
    .await;
}
