//! What a run compares, how often and how long.

use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::kind::Kind;
use crate::work::Work;

pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) concurrency: Vec<usize>,
    pub(crate) works: Vec<Work>,
    pub(crate) against: Vec<Kind>,
    /// Films that are streamed, and that pages are asked from.
    pub(crate) rows: u64,
    /// Sizes of the projects that are started.
    pub(crate) models: Vec<usize>,
    /// How long a comparison may be put off, and done again, for a machine on which nobody else computes.
    pub(crate) quiet: Duration,
    pub(crate) note: String,
    pub(crate) save: Option<String>,
    pub(crate) compare: Option<String>,
}

impl Options {
    pub(crate) fn parse(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self {
            rounds: 3,
            seconds: 2.0,
            concurrency: vec![1, 16, 64],
            works: Work::ALL.to_vec(),
            against: Kind::ALL.to_vec(),
            rows: 1_000_000,
            models: vec![1, 1000],
            quiet: Duration::ZERO,
            note: String::new(),
            save: None,
            compare: None,
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
                "--rows" => options.rows = value.parse().context("--rows")?,
                "--models" => options.models = list(value, |word| Ok(word.parse()?))?,
                "--quiet" => {
                    options.quiet = Duration::from_secs(value.parse().context("--quiet")?);
                }
                "--note" => (*value).clone_into(&mut options.note),
                "--save" => options.save = Some(file_name(value)?),
                "--compare" => options.compare = Some(file_name(value)?),
                _ => bail!("{name} is not an option of `bench`; `bench --help` has them"),
            }
        }
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.rounds > 0, "--rounds is at least 1");
        ensure!(
            (0.1..=60.0).contains(&self.seconds),
            "--seconds is between 0.1 and 60"
        );
        let bounded = |clients: &usize| (1..=200).contains(clients);
        ensure!(
            self.concurrency.iter().all(bounded),
            "--concurrency is between 1 and 200"
        );
        ensure!(
            (20_000..=100_000_000).contains(&self.rows) && self.rows.is_multiple_of(1000),
            "--rows is between 20,000 and 100,000,000, by the thousand"
        );
        let small = |count: &usize| (1..=10_000).contains(count);
        ensure!(
            self.models.iter().all(small),
            "--models is between 1 and 10,000"
        );
        Ok(())
    }
}

fn list<T>(value: &str, parse: impl Fn(&str) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    value.split(',').map(parse).collect()
}

/// The name under which results are kept.
pub(crate) fn file_name(value: &str) -> anyhow::Result<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    ensure!(
        value.starts_with(|letter: char| letter.is_ascii_alphanumeric())
            && value.chars().all(plain),
        "{value:?} names no results: letters, digits, `-`, `_` and `.`"
    );
    Ok(value.to_owned())
}
