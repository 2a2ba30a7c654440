//! Named steps that are timed, and the table of how each ended. Skipped is not passed.

use std::time::{Duration, Instant};

pub(crate) enum Outcome {
    Passed,
    Failed(anyhow::Error),
    Skipped(String),
}

#[derive(Default)]
pub(crate) struct Steps(Vec<(&'static str, Duration, Outcome)>);

impl Steps {
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> anyhow::Result<()>) {
        self.outcome(name, || match step() {
            Ok(()) => Outcome::Passed,
            Err(error) => Outcome::Failed(error),
        });
    }

    pub(crate) fn outcome(&mut self, name: &'static str, step: impl FnOnce() -> Outcome) {
        println!("\n== {name}");
        let begun = Instant::now();
        let outcome = step();
        if let Outcome::Failed(error) = &outcome {
            eprintln!("error: {name}: {error:#}");
        }
        self.0.push((name, begun.elapsed(), outcome));
    }

    pub(crate) fn print(&self) {
        println!("\n== parts");
        for (name, took, outcome) in &self.0 {
            let how = match outcome {
                Outcome::Passed => "passed".to_owned(),
                Outcome::Failed(error) => format!("FAILED: {error:#}"),
                Outcome::Skipped(why) => format!("SKIPPED: {why}"),
            };
            println!("{name:<12} {:>7.1} s  {how}", took.as_secs_f64());
        }
    }

    pub(crate) fn verdict(&self) -> anyhow::Result<()> {
        let failed: Vec<&str> = self
            .0
            .iter()
            .filter(|(_, _, outcome)| matches!(outcome, Outcome::Failed(_)))
            .map(|(name, _, _)| *name)
            .collect();
        anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    }
}
