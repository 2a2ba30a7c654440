//! Long work on a terminal: how far, how fast, how long still. Silent elsewhere.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

pub struct Progress(ProgressBar);

impl Progress {
    pub fn of_seed(name: &str, records: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(records as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{prefix} {bar:30} {human_pos} of {human_len}  {rate}  {eta} left",
        );
        let style = style.expect("the template is valid");
        bar.set_style(style.with_key("rate", rate));
        bar.set_prefix(name.to_owned());
        Self(bar)
    }

    pub fn advance(&self, records: usize) {
        self.0.inc(records as u64);
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
