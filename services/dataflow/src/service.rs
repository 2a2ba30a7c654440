//! The service's life: probes answer at once, and what it stands on is waited for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chassis::{HealthOf, Process};
use tokio_util::sync::CancellationToken;
use wire::{Calls, Dependency, Health, Status};

use crate::{App, Error, Served, Settings};

/// Between two tries to reach the database, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);

pub async fn run(process: Process) -> Result<(), chassis::Error> {
    let settings = Settings::load(&process.env)?;
    let listener = process.bind(settings.listen).await?;
    let awaited = Awaited::default();
    process.watch(settings.ops_listen, awaited.health()).await?;
    let stopping = process.stopping();
    let Some(app) = awaited.connect(&settings, &stopping).await? else {
        return Ok(());
    };
    if let Some(token) = &settings.admin_key {
        app.adopt_key(token).await?;
    }
    app.join(&process.tasks).await?;
    app.end_claims_when(process.stopping(), &process.tasks);
    if let Some(how) = settings.watch {
        app.follow(how, &process.tasks, process.stopping(), crate::log)?;
    }
    process.metrics.ask(app.figures());
    process.ready();
    let served = Served::of(&app)
        .counted(process.metrics.clone())
        .draining_with(process.life.clone());
    crate::serve(listener, served, stopping).await;
    app.close().await;
    Ok(())
}

/// What probes are told of before there is anything to call, and after.
#[derive(Clone, Default)]
pub(crate) struct Awaited(Arc<Mutex<State>>);

enum State {
    /// Why not.
    Away(String),
    Here(Arc<dyn Calls>),
}

impl Default for State {
    fn default() -> Self {
        Self::Away("it is being connected to".to_owned())
    }
}

impl Awaited {
    /// Tries for as long as the database cannot be reached; nothing where the process is to stop.
    pub(crate) async fn connect(
        &self,
        settings: &Settings,
        stopping: &CancellationToken,
    ) -> Result<Option<App>, Error> {
        let mut pause = FIRST_PAUSE;
        loop {
            let connecting = Box::pin(stopping.run_until_cancelled(App::connect(settings)));
            let why = match connecting.await {
                None => return Ok(None),
                Some(Err(Error::Store(why @ store::Error::Unavailable(_)))) => why,
                Some(connected) => {
                    let app = connected?;
                    self.set(State::Here(app.calls()));
                    return Ok(Some(app));
                }
            };
            tracing::warn!(error = %why, pause_ms = pause.as_millis(), "The database is waited for");
            self.set(State::Away(why.to_string()));
            let paused = stopping
                .run_until_cancelled(tokio::time::sleep(pause))
                .await;
            if paused.is_none() {
                return Ok(None);
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    fn set(&self, state: State) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    fn health(&self) -> HealthOf {
        let state = Arc::clone(&self.0);
        Arc::new(move || {
            let away = match &*state.lock().unwrap_or_else(PoisonError::into_inner) {
                State::Away(why) => why.clone(),
                State::Here(calls) => {
                    let calls = Arc::clone(calls);
                    return Box::pin(async move { calls.health().await });
                }
            };
            Box::pin(async move {
                let store = Dependency {
                    name: "store".to_owned(),
                    status: Status::Down,
                    required: true,
                    latency_us: 0,
                    reason: Some(away),
                    report: None,
                };
                Health::of("dataflow", chassis::VERSION, vec![store])
            })
        })
    }
}
