//! Figures of a run: taken down one by one, kept in a file under a name, asked for as medians.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::machine;
use crate::options::Options;

/// The runs that have been kept under one name, one for each command: `rest`, `stream`, `pages`, `start`.
#[derive(Default)]
pub(crate) struct Results {
    runs: Map<String, Value>,
}

/// What one figure is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    pub(crate) command: &'a str,
    pub(crate) work: &'a str,
    pub(crate) clients: usize,
    pub(crate) contender: &'a str,
    pub(crate) figure: &'a str,
}

/// A run while it is measured.
pub(crate) struct Run {
    command: &'static str,
    about: Value,
    measured: Vec<Value>,
}

impl Run {
    /// `server` is the URL of PostgreSQL.
    pub(crate) fn begin(
        command: &'static str,
        options: &Options,
        server: &str,
    ) -> anyhow::Result<Self> {
        let about = json!({
            "machine": machine::facts(server)?,
            "commit": machine::commit(),
            "rounds": options.rounds,
            "seconds": options.seconds,
            "rows": options.rows,
            "note": options.note,
        });
        Ok(Self {
            command,
            about,
            measured: Vec::new(),
        })
    }

    pub(crate) fn take(
        &mut self,
        round: usize,
        work: &str,
        clients: usize,
        contender: &str,
        figures: &Value,
    ) {
        let shown: Vec<String> = figures
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, figure)| Some(format!("{name} {}", shorter(figure.as_f64()?))))
            .collect();
        let shown = shown.join("  ");
        println!("round {round} {work:<10} c={clients:<3} {contender:<13} {shown}");
        self.measured.push(json!({
            "round": round,
            "work": work,
            "clients": clients,
            "contender": contender,
            "figures": figures,
        }));
    }

    pub(crate) fn end(self) -> Results {
        let mut run = self.about;
        run["measured"] = self.measured.into();
        let mut results = Results::default();
        results.runs.insert(self.command.to_owned(), run);
        results
    }
}

impl Results {
    pub(crate) fn load(top: &Path, name: &str) -> anyhow::Result<Self> {
        let path = file(top, name);
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let runs = serde_json::from_slice(&text)
            .with_context(|| format!("{} holds no results", path.display()))?;
        Ok(Self { runs })
    }

    /// Kept beside what other commands have kept under the name.
    pub(crate) fn save(&self, top: &Path, name: &str) -> anyhow::Result<()> {
        let path = file(top, name);
        let mut runs = if path.exists() {
            Self::load(top, name)?.runs
        } else {
            Map::new()
        };
        runs.extend(self.runs.clone());
        fs::create_dir_all(top.join("bench/results"))?;
        fs::write(&path, serde_json::to_vec_pretty(&runs)?)?;
        println!("kept in {}", path.display());
        Ok(())
    }

    /// What is known of a command's run but its figures.
    pub(crate) fn about(&self, command: &str) -> Option<&Value> {
        self.runs.get(command)
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = &str> {
        self.runs.keys().map(String::as_str)
    }

    /// Each work, number of clients and contender of a command, once, in the order in which they were measured.
    pub(crate) fn measured<'a>(&'a self, command: &'a str, figure: &'a str) -> Vec<Key<'a>> {
        let mut keys: Vec<Key<'a>> = Vec::new();
        for one in self.all(command) {
            let key = Key {
                command,
                work: one["work"].as_str().unwrap_or_default(),
                clients: clients(one),
                contender: one["contender"].as_str().unwrap_or_default(),
                figure,
            };
            if one["figures"][figure].is_number() && !keys.iter().any(|known| known.is(one)) {
                keys.push(key);
            }
        }
        keys
    }

    /// The figure in each round, from the least to the greatest.
    pub(crate) fn rounds(&self, key: Key<'_>) -> Vec<f64> {
        let mut figures: Vec<f64> = self
            .all(key.command)
            .filter(|one| key.is(one))
            .filter_map(|one| one["figures"][key.figure].as_f64())
            .collect();
        figures.sort_by(f64::total_cmp);
        figures
    }

    pub(crate) fn median(&self, key: Key<'_>) -> Option<f64> {
        middle(&self.rounds(key))
    }

    /// Of each round what the first measured divided by what the second did, from the least to the greatest: the two
    /// were measured next to each other, so that the machine's mood was the same.
    pub(crate) fn ratios(&self, of: Key<'_>, by: Key<'_>) -> Vec<f64> {
        let mut ratios = Vec::new();
        for one in self.all(of.command).filter(|one| of.is(one)) {
            let beside = |other: &&Value| by.is(other) && other["round"] == one["round"];
            let other = self.all(by.command).find(beside);
            let figures = one["figures"][of.figure]
                .as_f64()
                .zip(other.and_then(|other| other["figures"][by.figure].as_f64()));
            ratios.extend(figures.map(|(of, by)| of / by));
        }
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    fn all(&self, command: &str) -> impl Iterator<Item = &Value> {
        let run = self.runs.get(command);
        run.and_then(|run| run["measured"].as_array())
            .into_iter()
            .flatten()
    }
}

impl Key<'_> {
    fn is(&self, one: &Value) -> bool {
        one["work"] == self.work
            && one["contender"] == self.contender
            && clients(one) == self.clients
    }
}

/// The middle one of sorted figures.
pub(crate) fn middle(figures: &[f64]) -> Option<f64> {
    figures.get(figures.len() / 2).copied()
}

/// From the least to the greatest of sorted figures.
pub(crate) fn spread(figures: &[f64]) -> String {
    match figures {
        [] => "–".to_owned(),
        [one] => shorter(*one),
        [least, .., most] => format!("{}–{}", shorter(*least), shorter(*most)),
    }
}

fn clients(one: &Value) -> usize {
    let clients = one["clients"].as_u64().unwrap_or_default();
    usize::try_from(clients).unwrap_or(usize::MAX)
}

fn file(top: &Path, name: &str) -> PathBuf {
    top.join("bench/results").join(format!("{name}.json"))
}

/// Three digits are more than a measurement is worth.
pub(crate) fn shorter(figure: f64) -> String {
    match figure {
        100.0.. => format!("{figure:.0}"),
        10.0..100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds are counted from 1; the figures of one contender and number of clients a line.
    fn results(lines: &[(&str, usize, &[f64])]) -> Results {
        let of_line = |(contender, clients, speeds): &(&str, usize, &[f64])| -> Vec<Value> {
            let rounds = speeds.iter().enumerate();
            rounds
                .map(|(at, speed)| {
                    json!({"round": at + 1, "work": "read", "clients": clients, "contender": contender, "figures": {"per_second": speed}})
                })
                .collect()
        };
        let measured: Vec<Value> = lines.iter().flat_map(of_line).collect();
        let mut runs = Map::new();
        runs.insert("rest".to_owned(), json!({"measured": measured}));
        Results { runs }
    }

    fn key(contender: &str, clients: usize) -> Key<'_> {
        Key {
            command: "rest",
            work: "read",
            clients,
            contender,
            figure: "per_second",
        }
    }

    #[test]
    fn the_median_is_of_the_same_work_contender_and_concurrency() {
        let results = results(&[
            ("bare", 1, &[10.0, 30.0, 20.0]),
            ("bare", 16, &[99.0]),
            ("gantry", 1, &[5.0]),
        ]);
        let check = |contender, clients, expected| {
            assert_eq!(results.median(key(contender, clients)), expected);
        };
        check("bare", 1, Some(20.0));
        check("bare", 16, Some(99.0));
        check("split", 1, None);
        assert_eq!(results.measured("rest", "per_second").len(), 3);
    }

    #[test]
    fn a_ratio_is_of_one_round() {
        let results = results(&[
            ("bare", 1, &[10.0, 100.0, 20.0]),
            ("gantry", 1, &[20.0, 100.0, 10.0]),
            ("split", 1, &[1.0]),
        ]);
        let check = |of, by, expected: &[f64]| {
            assert_eq!(results.ratios(key(of, 1), key(by, 1)), expected);
        };
        check("gantry", "bare", &[0.5, 1.0, 2.0]);
        check("split", "bare", &[0.1]);
        check("copy", "bare", &[]);
    }

    #[test]
    fn a_spread_has_two_ends() {
        let check = |figures: &[f64], expected: &str| assert_eq!(spread(figures), expected);
        check(&[], "–");
        check(&[1.0], "1.00");
        check(&[1.0, 2.0, 300.0], "1.00–300");
    }
}
