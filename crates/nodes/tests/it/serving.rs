//! Other models while calls go on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use model::Limits;
use nodes::Serving;
use serde_json::Value;
use testkit::Database;
use wire::{Body, Call, Calls as _, Code, Content, Media, Tools};

use crate::world::World;

/// Only so that a failure ends.
const HANGS: Duration = Duration::from_mins(1);
const PATIENCE: Duration = Duration::from_hours(1);

fn only_person() -> Serving {
    let text =
        "model: Person\nfields:\n  name: { type: text, required: true, unique: true, max: 20 }\n";
    let models = model::load_models(&[(PathBuf::from("person.yaml"), text.to_owned())]).unwrap();
    Serving {
        project: "test".to_owned(),
        models: Arc::new(models),
        limits: Limits::default(),
        tools: Tools::Auto,
        groups: Arc::default(),
        workflows: Arc::default(),
    }
}

#[tokio::test]
async fn a_call_ends_with_the_models_it_began_with_and_others_wait_for_the_next() {
    let database = Database::sqlite();
    let world = World::new(&database).await;
    // Remembered by now: who they are, and what they see.
    world.list(&world.admin, "Film", "", "title").await;

    let (arrived, waits) = tokio::sync::oneshot::channel::<()>();
    let late = async move {
        waits.await.ok();
        Ok(Bytes::from_static(b"{\"title\": \"Jaws\"}"))
    };
    let content = Content::Stream(stream::once(late).boxed());
    let media = Media::Json;
    let node = "Film.create".parse().unwrap();
    let call = Call::new(node, world.admin.clone(), Body { media, content });
    let mut under_way = world.nodes.call(call);
    assert!((&mut under_way).now_or_never().is_none());

    // Whoever gives up must not forget the call.
    assert!(world.nodes.pause(Duration::ZERO).await.is_none());
    let mut pausing = Box::pin(world.nodes.pause(PATIENCE));
    assert!(
        pausing.as_mut().now_or_never().is_none(),
        "a call is under way"
    );
    let mut waiting = Box::pin(world.call(&world.admin, "Film.list", "", Value::Null));
    assert!(
        waiting.as_mut().now_or_never().is_none(),
        "nobody begins now"
    );

    arrived.send(()).unwrap();
    under_way.await.unwrap();
    let paused = tokio::time::timeout(HANGS, pausing).await.unwrap().unwrap();
    assert!(waiting.as_mut().now_or_never().is_none(), "still paused");
    paused.serve(only_person());
    let problem = waiting.await.unwrap_err();
    assert_eq!(problem.code, Code::NoSuchNode, "by the next models");
}

#[tokio::test]
async fn a_pause_that_brings_nothing_serves_what_was_served() {
    let database = Database::sqlite();
    let world = World::new(&database).await;
    let before = world.nodes.catalogue(&world.admin).await.unwrap();
    let paused = tokio::time::timeout(HANGS, world.nodes.pause(PATIENCE)).await;
    assert!(paused.as_ref().unwrap().is_some());
    let during = world.nodes.catalogue(&world.admin).await.unwrap();
    drop(paused);
    world.list(&world.admin, "Film", "", "title").await;
    let after = world.nodes.catalogue(&world.admin).await.unwrap();
    assert!(Arc::ptr_eq(&before, &during) && Arc::ptr_eq(&before, &after));
}
