//! `bench rest`: every contender up at once, measured in turn, so that the machine's moods meet all of them.

use crate::entrant::Entrant;
use crate::options::Options;
use crate::place::Place;
use crate::results::{Results, Run};

pub(crate) fn run(options: &Options, place: &Place) -> anyhow::Result<Results> {
    let entrants: Vec<Entrant> = options
        .against
        .iter()
        .map(|kind| Entrant::prepare(*kind, &place.server, &place.folder))
        .collect::<anyhow::Result<_>>()?;
    let mut run = Run::begin("rest", options, &place.server)?;
    for round in 0..options.rounds {
        for work in &options.works {
            for clients in &options.concurrency {
                // Another one is first each time.
                for turn in 0..entrants.len() {
                    let entrant = &entrants[(turn + round) % entrants.len()];
                    if !entrant.kind.does(*work) {
                        continue;
                    }
                    let figures = entrant.measure(*work, *clients, options.seconds)?;
                    run.take(
                        round + 1,
                        work.name(),
                        *clients,
                        entrant.kind.name(),
                        &figures,
                    );
                }
            }
        }
    }
    Ok(run.end())
}
