//! The end of a process, as who is connected sees it.

use serde_json::json;

use crate::socket::Server;
use crate::world::with;
use mcp_face::Settings;

#[tokio::test(flavor = "multi_thread")]
async fn a_web_socket_is_told_that_the_server_stops_before_it_has_stopped() {
    with(Settings::default(), async |world| {
        let server = Server::start(&world.calls, Settings::default()).await;
        let bearer = format!("Bearer {}", world.reader);
        let headers = [("host", "localhost"), ("authorization", &*bearer)];
        let mut socket = server.ask("GET /ws", &headers, "").await;
        let initialize = json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        });
        let told = socket.message(&initialize).await;
        assert_eq!(told["result"]["serverInfo"]["name"], "gantry", "{told}");
        server.stop().await;
        // A close frame of the server's own accord: going away.
        let left = socket.what_is_there();
        assert_eq!(left[..1], [0x88], "{left:?}");
        assert_eq!(left[2..4], 1001_u16.to_be_bytes(), "{left:?}");
    })
    .await;
}
