//! The services of a stack while it starts: a line each that moves on a terminal, a line for each step elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::standing::{Phase, Standing};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

pub struct Board {
    begun: Instant,
    rows: Vec<Row>,
    /// On a terminal.
    lines: Option<MultiProgress>,
}

struct Row {
    service: String,
    phase: Option<Phase>,
    /// How long it took to get as far as it is.
    took: Duration,
    bar: Option<ProgressBar>,
}

impl Board {
    pub fn start() -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            begun: Instant::now(),
            rows: Vec::new(),
            lines: terminal.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())),
        }
    }

    pub fn show(&mut self, standings: &[Standing]) {
        let width = standings.iter().map(|s| s.service.len()).max();
        let width = width.unwrap_or_default();
        for standing in standings {
            let row = self.row(&standing.service);
            let moved = self.rows[row].phase.as_ref() != Some(&standing.phase);
            let is_final = standing.phase.is_good() || standing.phase.is_failed();
            if moved || !is_final {
                self.rows[row].took = self.begun.elapsed();
            }
            let row = &mut self.rows[row];
            row.phase = Some(standing.phase.clone());
            let line = line(standing, width, row.took);
            match &row.bar {
                Some(bar) => bar.set_message(line),
                // A closed standard error leaves nobody to tell.
                None if moved => _ = writeln!(anstream::stderr(), "{line}"),
                None => {}
            }
        }
    }

    /// Leaves the lines as they are.
    pub fn end(&self) {
        for bar in self.rows.iter().filter_map(|row| row.bar.as_ref()) {
            bar.abandon();
        }
    }

    pub fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    fn row(&mut self, service: &str) -> usize {
        let found = self.rows.iter().position(|row| row.service == service);
        found.unwrap_or_else(|| {
            let bar = self.lines.as_ref().map(|lines| {
                let style = ProgressStyle::with_template("{msg}");
                let bar = ProgressBar::new_spinner();
                bar.set_style(style.expect("the template is valid"));
                lines.add(bar)
            });
            self.rows.push(Row {
                service: service.to_owned(),
                phase: None,
                took: Duration::ZERO,
                bar,
            });
            self.rows.len() - 1
        })
    }
}

fn line(standing: &Standing, width: usize, took: Duration) -> String {
    let Standing { service, phase, .. } = standing;
    let style = match phase {
        Phase::Failed(_) => BAD,
        phase if phase.is_good() => GOOD,
        _ => Style::new(),
    };
    let seconds = took.as_secs();
    format!("{service:width$}  {style}{phase}{style:#}  {seconds} s")
}
