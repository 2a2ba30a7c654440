//! What each process does once: settings, logs, metrics, signals, health, drain.

mod environment;
mod farewell;
mod life;
mod logs;
mod metrics;
mod ops;
mod probe;
mod process;
mod prompt;
mod refusal;
mod secret;
mod serve;
mod session;
mod watchdog;

pub use environment::Env;
pub use farewell::with_farewell;
pub use life::{Life, Phase};
pub use logs::start_logs;
pub use metrics::{Asker, Gauge, Metrics};
pub use ops::{HealthOf, Ops, health_of};
pub use process::{Drain, Error, Process, run};
pub use refusal::{Refusal, put};
pub use secret::Secret;
pub use serve::{HttpLimits, bind, serve};
pub use session::session_of;
pub use watchdog::Watchdog;

/// The version that everything says of itself.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
