//! Long work on a terminal: how far, how fast, how long still. Silent elsewhere.

use std::fmt::Write;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// What is sooner done needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Progress(ProgressBar);

/// The migration that is under way, since when. There is one at most in a process of one command.
static MIGRATION: Mutex<Option<(Instant, Option<Progress>)>> = Mutex::new(None);

/// For [`dataflow::Settings::migrating`].
pub fn of_migration(done: usize, of: usize) {
    let Ok(mut migration) = MIGRATION.lock() else {
        return;
    };
    if done == of {
        if let Some((_, Some(progress))) = migration.take() {
            progress.end();
        }
        return;
    }
    let (begun, progress) = migration.get_or_insert_with(|| (Instant::now(), None));
    if begun.elapsed() >= PATIENCE {
        let progress = progress.get_or_insert_with(|| Progress::of("migrating", of, done));
        progress.0.set_position(done as u64);
    }
}

/// For [`dataflow::seeding`]: a bar for each seed.
#[derive(Default)]
pub struct OfSeeding(Option<Progress>);

impl OfSeeding {
    pub fn told(&mut self, name: &str, done: usize, whole: usize) {
        if done == 0 {
            self.0 = Some(Progress::of(name, whole, 0));
        }
        if let Some(progress) = &self.0 {
            progress.0.set_position(done as u64);
        }
        if done == whole
            && let Some(progress) = self.0.take()
        {
            progress.end();
        }
    }
}

impl Progress {
    /// `done` of it was done before.
    pub fn of(name: &str, whole: usize, done: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(whole as u64), ProgressDrawTarget::stderr());
        let bar = bar.with_position(done as u64);
        let style = ProgressStyle::with_template(
            "{prefix} {bar:30} {human_pos} of {human_len}  {rate}  {eta} left",
        );
        let style = style.expect("the template is valid");
        bar.set_style(style.with_key("rate", rate));
        bar.set_prefix(name.to_owned());
        Self(bar)
    }

    /// Takes the bar away: the report says what became of it.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// Whole records: a fraction of one would be noise.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    // The bar's own text cannot be refused.
    let _ = write!(out, "{:.0}/s", state.per_sec());
}
