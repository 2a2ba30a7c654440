//! `kill -9` at any moment of a write: every acknowledged write is there once, none is half done.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::Gantry;
use testkit::Engine;

use crate::place::{self, Place};
use crate::writes::{self, BULK, Write, Writer, chance, check};

/// `cargo xtask kill --times N` names another number.
const KILLS: usize = 10;
const WRITERS: usize = 4;
/// Between 0 and this long after the writers begin, the process is killed.
const LONGEST_ROUND_MS: u64 = 600;
/// For each kill.
const BUDGET: Duration = Duration::from_secs(48);

#[tokio::test]
async fn a_killed_sqlite_process_keeps_what_it_acknowledged() {
    place::on(Engine::Sqlite, kills).await;
}

#[tokio::test]
async fn a_killed_process_over_postgresql_keeps_what_it_acknowledged() {
    place::on(Engine::Postgres, kills).await;
}

fn kills(place: &Place) {
    writes::project(&place.project);
    let kills = times();
    let budget = BUDGET * u32::try_from(kills).unwrap();
    let begun = Instant::now();
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
    let (mut killed, mut answers_lost) = (0, 0);
    while killed < kills && begun.elapsed() < budget {
        let gantry = place.up(&[]);
        check(gantry.port, &writers);
        answers_lost += round(gantry, killed, &mut writers);
        killed += 1;
    }
    let gantry = place.up(&[]);
    check(gantry.port, &writers);
    for writer in &mut writers {
        writer.repeat(gantry.port);
        assert!(writer.unanswered.is_none(), "{}", gantry.log());
    }
    check(gantry.port, &writers);
    let status = gantry.terminate().unwrap();
    assert!(status.success(), "after SIGTERM it ended with {status}");
    let kept: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    // Not `println!`: the count is to be seen where the test passes, too.
    let mut stderr = std::io::stderr();
    writeln!(
        stderr,
        "{}: {killed} kills, {answers_lost} writes cut off without an answer; {kept} acknowledged ones kept",
        place.engine
    )
    .unwrap();
    assert!(killed >= kills, "only {killed} kills within {budget:?}");
    assert!(
        kept > kills,
        "only {kept} writes were acknowledged: this proves nothing"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests read their own variables; no service does"
)]
fn times() -> usize {
    let told = std::env::var("GANTRY_KILLS").ok();
    told.map_or(KILLS, |text| text.parse().unwrap())
}

/// Writers write, the process is killed, the writers notice. Answers how many writes were cut off.
fn round(gantry: Gantry, number: usize, writers: &mut [Writer]) -> usize {
    let (port, stop) = (gantry.port, AtomicBool::new(false));
    thread::scope(|scope| {
        for (index, writer) in writers.iter_mut().enumerate() {
            let stop = &stop;
            scope.spawn(move || {
                writer.repeat(port);
                let mut count = 0;
                while writer.unanswered.is_none() && !stop.load(Ordering::Relaxed) {
                    writer.send(
                        port,
                        Write {
                            name: format!("kill {number} writer {index} write {count}"),
                            records: if count % 2 == index % 2 { BULK } else { 1 },
                        },
                    );
                    count += 1;
                }
            });
        }
        // Not a wait for something: the moment of the kill is what is drawn by lot.
        thread::sleep(Duration::from_millis(chance() % LONGEST_ROUND_MS));
        gantry.kill().unwrap();
        stop.store(true, Ordering::Relaxed);
    });
    writers
        .iter()
        .filter(|writer| writer.unanswered.is_some())
        .count()
}
