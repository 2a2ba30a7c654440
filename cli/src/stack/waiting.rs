//! From `docker compose up` to a stack that answers, or to what kept it from that.

use std::time::Duration;

use docker::{Command, Stack};
use tokio::time::{Instant, sleep};

use super::standing::{Seen, Standing, standings};
use super::{Board, Place, ask};
use crate::failure::Failure;

/// Between two looks at the containers; each costs a process.
const PAUSE: Duration = Duration::from_millis(700);

/// Who tells whether the stack serves, and by which program of its own: Docker's word may be old.
const READINESS: [(&str, &[&str]); 4] = [
    ("api", &["/api", "healthcheck"]),
    ("mcp", &["/mcp", "healthcheck"]),
    ("nexus", &["/nexus", "healthcheck"]),
    ("edge", &["/entrypoint", "probe"]),
];

/// How a start ended.
pub enum Ended {
    Ready,
    /// With how far the services came, and what compose said.
    Failed(Vec<Standing>, String),
    /// The same when the time was up.
    Late(Vec<Standing>),
}

/// What is started, and how.
pub struct Start<'a> {
    pub place: &'a Place,
    pub stack: &'a Stack,
    /// Containers of services, where somebody asked for another number.
    pub counts: &'a [(String, u16)],
    pub up: &'a Command,
    pub limit: Duration,
    /// Whether services are asked by programs of their images, which a workshop does not have.
    pub asks: bool,
}

impl Start<'_> {
    pub async fn until_ready(&self, board: &mut Board) -> Result<Ended, Failure> {
        let deadline = Instant::now() + self.limit;
        let before = self.place.containers().await?;
        let mut seen = Seen::default();
        seen.before = before.into_iter().map(|container| container.id).collect();
        let mut starting = Box::pin(docker::run(self.up, self.limit));
        let mut started = false;
        loop {
            let mut said = None;
            tokio::select! {
                ended = &mut starting, if !started => {
                    seen.before.clear();
                    started = true;
                    said = match ended {
                        // When the time is up is looked at below.
                        Ok(_) | Err(docker::Error::Slow { .. }) => None,
                        Err(docker::Error::Failed { tail, .. }) => Some(tail),
                        Err(other) => return Err(other.into()),
                    };
                }
                () = sleep(PAUSE) => {}
            }
            let containers = self.place.containers().await?;
            let now = standings(self.stack, self.counts, &containers, &mut seen);
            board.show(&now);
            let any_failed = now.iter().any(|standing| standing.phase.is_failed());
            if any_failed || said.is_some() {
                return Ok(Ended::Failed(now, said.unwrap_or_default()));
            }
            if started && now.iter().all(|standing| standing.phase.is_good()) {
                return self.ask_readiness(now, deadline).await;
            }
            if Instant::now() >= deadline {
                return Ok(Ended::Late(now));
            }
        }
    }

    async fn ask_readiness(&self, now: Vec<Standing>, deadline: Instant) -> Result<Ended, Failure> {
        for (service, program) in READINESS {
            if !self.asks || self.stack.service(service).is_none() {
                continue;
            }
            loop {
                match ask(&self.place.running().exec(service, program)).await {
                    Ok(_) => break,
                    Err(docker::Error::Failed { tail, .. }) if Instant::now() >= deadline => {
                        let said =
                            format!("{service} is healthy, but its own probe says no\n{tail}");
                        return Ok(Ended::Failed(now, said));
                    }
                    Err(docker::Error::Failed { .. }) => sleep(PAUSE).await,
                    Err(other) => return Err(other.into()),
                }
            }
        }
        Ok(Ended::Ready)
    }
}
