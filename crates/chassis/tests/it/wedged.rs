//! A process that is stuck ends itself, and not with success.

use std::sync::Arc;
use std::time::Duration;

use chassis::{HealthOf, Life, Watchdog};
use tokio_util::task::TaskTracker;
use wire::Health;

use crate::child;

const LIMIT: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, PartialEq)]
enum Stuck {
    Nothing,
    Loop,
    Health,
}

fn live(stuck: Stuck) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let health: HealthOf = Arc::new(move || {
            Box::pin(async move {
                if stuck == Stuck::Health {
                    std::future::pending::<()>().await;
                }
                Health::of("test", "0", Vec::new())
            })
        });
        Watchdog::start_with(&TaskTracker::new(), &Life::default(), health, LIMIT);
        tokio::time::sleep(LIMIT * 3).await;
        if stuck == Stuck::Loop {
            std::thread::sleep(Duration::from_mins(1));
        }
        if stuck == Stuck::Health {
            std::future::pending::<()>().await;
        }
    });
}

#[test]
fn an_event_loop_that_does_not_turn_ends_the_process() {
    let name = "wedged::an_event_loop_that_does_not_turn_ends_the_process";
    if child::is(name) {
        return live(Stuck::Loop);
    }
    let (good, _) = child::end(child::start(name, &[]), Duration::from_secs(30));
    assert!(!good);
}

#[test]
fn a_store_that_does_not_answer_ends_the_process() {
    let name = "wedged::a_store_that_does_not_answer_ends_the_process";
    if child::is(name) {
        return live(Stuck::Health);
    }
    let (good, _) = child::end(child::start(name, &[]), Duration::from_secs(30));
    assert!(!good);
}

#[test]
fn a_process_that_turns_over_lives() {
    let name = "wedged::a_process_that_turns_over_lives";
    if child::is(name) {
        return live(Stuck::Nothing);
    }
    let (good, _) = child::end(child::start(name, &[]), Duration::from_secs(30));
    assert!(good);
}
