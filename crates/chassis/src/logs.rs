//! Logs on stderr: for people on a terminal, JSON lines elsewhere.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// rmcp tells each request three times, and of one that is refused what was said; the face has a line for each of its own.
const USUAL: &str = "info,rmcp=error";

/// `filter` is in the form of `GANTRY_LOG`: `info`, `warn,nodes=debug`. Called twice, the first call counts.
pub fn start_logs(filter: Option<&str>) {
    // What comes later counts.
    let filter = format!("{USUAL},{}", filter.unwrap_or(""));
    let filter = EnvFilter::builder().parse_lossy(filter);
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start is a test's second server in one process.
    let _ = if std::io::stderr().is_terminal() {
        logs.try_init()
    } else {
        logs.json().flatten_event(true).try_init()
    };
}

/// `GANTRY_LOG`, which is every service's.
pub(crate) fn filter() -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "chassis is the reader of the environment"
    )]
    std::env::var("GANTRY_LOG").ok()
}
