//! Tokens of issuers, verified with the keys that somebody else keeps.

use std::sync::Arc;
use std::time::Duration;

use access::Principal;
use access::jwt::{Issuers, Refused};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use wire::{Code, Dependency, Problem, Status};

/// Longer than keys take to be fetched.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whose tokens are taken.
#[derive(Clone, Default)]
pub struct Tokens {
    pub issuers: Arc<Issuers>,
    /// To whoever keeps the keys of each issuer, in their order.
    pub wishes: Vec<mpsc::Sender<KeyWish>>,
}

/// Keys that are newer than this moment.
pub struct KeyWish {
    pub made: Instant,
    /// When they are there, or there are none.
    pub done: oneshot::Sender<()>,
}

impl Tokens {
    /// `now` in seconds since 1970.
    pub(crate) async fn verify(&self, token: &str, now: u64) -> Result<Principal, Problem> {
        let mut verified = self.issuers.verify(token, now);
        if let Err(Refused::Key(place) | Refused::NoKeys(place)) = verified {
            self.wish(place).await;
            verified = self.issuers.verify(token, now);
        }
        verified.map_err(|refused| {
            tracing::debug!(reason = %refused, "A token is refused");
            match refused {
                // The token may be as good as any.
                Refused::NoKeys(_) => Problem::new(Code::Unavailable)
                    .detail("the keys of the token's issuer cannot be had at present")
                    .hint("try again; the service's health tells why"),
                refused => Problem::new(Code::Unauthenticated)
                    .detail(refused.kind())
                    .hint("get another token from its issuer"),
            }
        })
    }

    /// Who cannot be told soon goes on with the keys that are there.
    async fn wish(&self, place: usize) {
        let Some(keeper) = self.wishes.get(place) else {
            return;
        };
        let (done, told) = oneshot::channel();
        let made = Instant::now();
        if keeper.try_send(KeyWish { made, done }).is_ok() {
            let _ = tokio::time::timeout(PATIENCE, told).await;
        }
    }

    /// How it is with each issuer's keys. Without them calls with API keys go on.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = Dependency> {
        let standings = self.issuers.standings().into_iter();
        standings.map(|standing| Dependency {
            name: format!("issuer {}", standing.name),
            status: match (&standing.trouble, standing.has_keys) {
                (None, _) => Status::Ok,
                (Some(_), true) => Status::Degraded,
                (Some(_), false) => Status::Down,
            },
            required: false,
            latency_us: 0,
            reason: standing.trouble,
            report: None,
        })
    }
}
