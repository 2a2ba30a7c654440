//! When whoever looks for runs must look again by itself.

use std::time::Duration;

use serde_json::json;
use testkit::on_both_engines;
use wire::run::{LEASE, Then};

use super::{RATE, raw, world};

#[tokio::test]
async fn where_no_run_may_go_on_none_is_due() {
    on_both_engines(async |database| {
        let world = world(&database, &[RATE]).await;
        let due = async || world.store.next_due().await.unwrap();
        assert_eq!(due().await, None, "there is no run");
        let film = json!({"film": "Alien"});
        world.start(&world.editor, "rate", film).await;
        assert_eq!(due().await, Some(Duration::ZERO));
        let held = world.hold().await;
        let lease = due().await.expect("the lease runs out");
        assert!(lease > Duration::ZERO && lease <= LEASE, "{lease:?}");
        world
            .advance(&held, Then::Succeed(raw("null")))
            .await
            .unwrap();
        assert_eq!(due().await, None, "the run has ended");
    })
    .await;
}
