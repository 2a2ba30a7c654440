//! What a run compares, how often and how long.

use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::contender::Kind;
use crate::work::Work;

pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) concurrency: Vec<usize>,
    pub(crate) works: Vec<Work>,
    pub(crate) against: Vec<Kind>,
    pub(crate) note: String,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self {
            rounds: 3,
            seconds: 2.0,
            concurrency: vec![1, 16, 64],
            works: Work::ALL.to_vec(),
            against: Kind::ALL.to_vec(),
            note: String::new(),
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                bail!("{} needs a value", pair[0]);
            };
            match *name {
                "--rounds" => options.rounds = value.parse().context("--rounds")?,
                "--seconds" => options.seconds = value.parse().context("--seconds")?,
                "--concurrency" => options.concurrency = list(value, |word| Ok(word.parse()?))?,
                "--works" => options.works = list(value, Work::named)?,
                "--against" => options.against = list(value, Kind::named)?,
                "--note" => (*value).clone_into(&mut options.note),
                _ => bail!("{name} is not an option of `bench rest`"),
            }
        }
        ensure!(options.rounds > 0, "--rounds is at least 1");
        ensure!(
            (0.1..=60.0).contains(&options.seconds),
            "--seconds is between 0.1 and 60"
        );
        let bounded = |clients: &usize| (1..=200).contains(clients);
        ensure!(
            options.concurrency.iter().all(bounded),
            "--concurrency is between 1 and 200"
        );
        Ok(options)
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn list<T>(value: &str, parse: impl Fn(&str) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    value.split(',').map(parse).collect()
}
