//! Webhooks, once their signatures were checked.

use serde_json::{Value, json};
use wire::{Caller, Code};

use super::everywhere;
use crate::world::{Answered, World, refused};

const PAID: &str = "workflow: paid
inputs: { order: { type: int, required: true } }
steps:
  - { id: all, node: Film.count }
triggers:
  - { cron: \"0 3 * * *\", with: { order: 0 } }
  - { webhook: shop/paid, secret: shop, with: { order: \"{{ body.order }}\" } }
";
const ANY: &str = "workflow: any
inputs: { order: { type: int }, note: { type: text } }
steps:
  - { id: all, node: Film.count }
triggers:
  - { webhook: any, secret: other }
";

impl World {
    async fn hook(&self, path: &str, delivery: Option<&str>, body: Value) -> Answered {
        let told = json!({"path": path, "delivery": delivery, "body": body});
        self.call(&Caller::Anonymous, "run.hook", "", told).await
    }
}

#[tokio::test]
async fn what_is_sent_to_a_webhook_starts_one_run_for_each_delivery() {
    everywhere(&[PAID, ANY], async |world| {
        let hooks = world.call(&Caller::Anonymous, "run.hooks", "", json!({}));
        let (_, hooks) = hooks.await.unwrap();
        let expected =
            json!([{"path": "shop/paid", "secret": "shop"}, {"path": "any", "secret": "other"}]);
        assert_eq!(hooks["hooks"], expected);

        let paid = json!({"order": 7, "more": [1]});
        let sent = world.hook("shop/paid", Some("d1"), paid.clone()).await;
        let (_, first) = sent.unwrap();
        let held = world.hold().await;
        assert_eq!(json!({"id": held.run.id}), first);
        assert_eq!(held.run.input.get(), "{\"order\":7}");
        assert_eq!(held.run.started_by, "trigger:1");

        let again = world.hook("shop/paid", Some("d1"), paid.clone()).await;
        let (meta, again) = again.unwrap();
        assert_eq!((meta.replayed, &again), (true, &first));
        let other = world
            .hook("shop/paid", Some("d1"), json!({"order": 8}))
            .await;
        assert_eq!(refused(&other).0, Code::IdempotencyMismatch);
        // Names of deliveries are the senders' own.
        for (path, delivery) in [("any", Some("d1")), ("any", None), ("any", None)] {
            let sent = world.hook(path, delivery, json!({"order": 7})).await;
            assert_ne!(sent.unwrap().1, first);
        }
        assert_eq!(world.claim(10, 2_000).await.len(), 3);
        assert!(world.claim(10, 0).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_start_the_workflow_is_refused() {
    everywhere(&[PAID, ANY], async |world| {
        for (path, body, expected) in [
            ("none", json!({}), (Code::NotFound, "")),
            ("shop/paid", json!({}), (Code::InvalidInput, "")),
            (
                "shop/paid",
                json!({"order": "x"}),
                (Code::InvalidInput, "/order"),
            ),
            ("any", json!([]), (Code::InvalidInput, "")),
            ("any", json!({"odrer": 1}), (Code::InvalidInput, "/odrer")),
        ] {
            let sent = world.hook(path, Some("d"), body.clone()).await;
            let (code, pointer) = refused(&sent);
            assert_eq!((code, pointer.as_str()), expected, "{path} {body}");
        }
        // What failed may be sent again under the same name.
        world
            .hook("any", Some("d"), json!({"order": 1}))
            .await
            .unwrap();
        assert_eq!(world.claim(10, 2_000).await.len(), 1);
    })
    .await;
}
