//! What is done to runs by others than their holder, as the holder hears of it.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use wire::run::{Then, Told};
use wire::{Body, ByteStream, Call, Caller, Calls as _, Code, Content, Problem};

use super::{RATE, everywhere, for_signals, raw, world};
use crate::world::World;

/// What `run.heed` tells, event by event.
struct Ear(ByteStream);

impl Ear {
    /// That hears from now on.
    async fn of(world: &World) -> Self {
        let node = "run.heed".parse().unwrap();
        let call = Call::new(node, Caller::Anonymous, Body::json("{}"));
        let Content::Stream(told) = world.nodes.call(call).await.unwrap().body.content else {
            panic!("it tells until it is left")
        };
        let mut ear = Self(told);
        assert_eq!(ear.next().await, Some(Told::Any));
        ear
    }

    async fn next(&mut self) -> Option<Told> {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(30), self.0.next()).await;
            let event = event.expect("something is told").transpose().unwrap()?;
            let line = std::str::from_utf8(&event).unwrap().trim_end();
            if let Some(told) = Told::read(line) {
                return Some(told);
            }
        }
    }
}

impl Ear {
    /// The next that is of one run: of any is told as well whenever a process has connected to the others.
    async fn run(&mut self) -> Option<Told> {
        loop {
            match self.next().await {
                Some(Told::Any) => {}
                told => return told,
            }
        }
    }
}

fn told(id: &Value) -> Told {
    Told::Run(id.as_str().unwrap().parse().unwrap())
}

async fn steer(world: &World, node: &str, input: Value) {
    let steered = world.call(&world.admin, node, "", input).await;
    steered.unwrap_or_else(|problem| panic!("{problem:?}"));
}

#[tokio::test]
async fn holders_hear_at_once_of_what_is_done_to_their_runs() {
    everywhere(&[RATE], async |world| {
        let mut ears = [Ear::of(world).await, Ear::of(world).await];
        let id = world.rate("Alien").await["id"].clone();
        world.hold().await;
        steer(world, "run.signal", json!({"id": id, "name": "go"})).await;
        steer(world, "run.cancel", json!({"id": id})).await;
        for ear in &mut ears {
            assert_eq!(ear.run().await, Some(told(&id)));
            assert_eq!(ear.run().await, Some(told(&id)));
        }
        world.nodes.end_claims();
        for ear in &mut ears {
            assert_eq!(ear.run().await, None);
        }
    })
    .await;
}

#[tokio::test]
async fn processes_tell_each_other_what_is_done_to_runs() {
    let database = testkit::Database::postgres().await;
    let one = world(&database, &[RATE]).await;
    let other = world(&database, &[RATE]).await;
    let mut ear = Ear::of(&one).await;
    // Connected by now, or soon: it was not told of what came before.
    assert_eq!(ear.next().await, Some(Told::Any));
    for _ in 0..5 {
        let id = one.rate("Alien").await["id"].clone();
        one.hold().await;
        steer(&other, "run.cancel", json!({"id": id})).await;
        assert_eq!(ear.run().await, Some(told(&id)));
    }
}

#[tokio::test]
async fn a_run_that_fails_ends_those_that_it_called() {
    let alone = "workflow: alone\ninputs: { n: { type: int } }\nconcurrency: { limit: 1 }\nsteps: [{ id: save, node: Film.create, with: { title: alone } }]\n";
    everywhere(&[RATE, alone], async |world| {
        let ends = [
            Then::Fail(Problem::new(Code::Timeout)),
            Then::Cancel,
            Then::Succeed(raw("1")),
        ];
        for end in ends {
            world.rate("Parent").await;
            let parent = world.hold().await;
            let call = async |path: &str, node: &str, input: Value| {
                let called = world.step(&parent, path, node, input).await;
                let (_, called) = called.unwrap_or_else(|problem| panic!("{problem:?}"));
                called["id"].clone()
            };
            let child = || json!({"film": "Child"});
            let done = call("done", "workflow.rate", child()).await;
            let held = world.hold().await;
            world.advance(&held, Then::Succeed(raw("1"))).await.unwrap();
            let under_way = call("under_way", "workflow.rate", child()).await;
            let held = world.hold().await;
            let grandchild = world
                .step(&held, "call", "workflow.rate", child())
                .await
                .unwrap();
            let grandchild = grandchild.1["id"].clone();
            let waits = world.hold().await;
            world.advance(&waits, for_signals(0)).await.unwrap();
            let of_slot = call("of_slot", "workflow.alone", json!({})).await;
            let parked = call("parked", "workflow.alone", json!({})).await;
            let queued = call("queued", "workflow.rate", child()).await;
            let mut ear = Ear::of(world).await;
            let fails = end.fails();
            world.advance(&parent, end.clone()).await.unwrap();
            let now = async |id: &Value| {
                let run = world.run(&world.admin, id).await;
                let cancelling = run["cancelling"] == true;
                let state = run["state"].as_str().unwrap().to_owned();
                if cancelling {
                    format!("{state}, to end")
                } else {
                    state
                }
            };
            let states = [
                now(&done).await,
                now(&under_way).await,
                now(&of_slot).await,
                now(&parked).await,
                now(&queued).await,
                now(&grandchild).await,
            ];
            if !fails {
                let on = [
                    "succeeded",
                    "running",
                    "queued",
                    "queued",
                    "queued",
                    "waiting",
                ];
                assert_eq!(states, on, "{end:?}");
                continue;
            }
            let off = [
                "succeeded",
                "running, to end",
                "queued, to end",
                "cancelled",
                "cancelled",
                "waiting",
            ];
            assert_eq!(states, off, "{end:?}");
            let mut heard = Vec::new();
            for _ in 0..4 {
                heard.push(ear.run().await);
            }
            for id in [&under_way, &of_slot, &parked, &queued] {
                assert!(heard.contains(&Some(told(id))), "{heard:?}");
            }
            // Whoever carries the others out ends them, and with each those that it called.
            world.advance(&held, Then::Cancel).await.unwrap();
            assert_eq!(now(&grandchild).await, "waiting, to end");
            for held in world.claim(10, 5_000).await {
                assert!(held.run.cancelling, "{held:?}");
                world.advance(&held, Then::Cancel).await.unwrap();
            }
            assert_eq!(now(&of_slot).await, "cancelled");
            assert_eq!(now(&grandchild).await, "cancelled");
        }
    })
    .await;
}
