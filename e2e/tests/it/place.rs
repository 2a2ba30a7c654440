//! Where a story happens: a fresh database of an engine and an empty folder for the project.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use e2e::Gantry;
use testkit::{Database, Engine};

/// Generous: the machine may be many times slower than the one at hand.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Place {
    pub(crate) engine: &'static str,
    pub(crate) url: String,
    /// Not made yet.
    pub(crate) project: PathBuf,
}

impl Place {
    /// The project served over the database.
    pub(crate) fn up(&self, more: &[&str]) -> Gantry {
        Gantry::up(
            &self.project,
            &[&["--database-url", &self.url], more].concat(),
        )
        .unwrap()
    }
}

/// Stories block: they wait for processes and sockets.
pub(crate) async fn on(engine: Engine, story: impl FnOnce(&Place) + Send + 'static) {
    let database = Database::of(engine).await;
    let (engine, url) = (database.engine_name(), database.location_url());
    let told = move || {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        story(&Place {
            engine,
            url,
            project,
        });
    };
    tokio::task::spawn_blocking(told).await.unwrap();
}

/// Asks until there is something; what was said instead is told when patience ends.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match ask() {
            Ok(found) => return found,
            Err(instead) => assert!(begun.elapsed() < PATIENCE, "{instead}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}
