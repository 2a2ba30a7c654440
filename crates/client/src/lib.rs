//! `Calls` over HTTP: of the dataflow service for our own services, of a public API server for the command line.

mod address;
mod calling;
mod catalogues;
mod endpoint;
mod exchange;
mod patience;
mod public;
#[cfg_attr(not(feature = "tls"), path = "plain.rs")]
mod tls;
mod together;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use wire::{Answer, Call, Caller, Calls, Catalogue, Dependency, Health, Reached, Status};

pub use address::{Address, BadAddress};

use crate::catalogues::Catalogues;
use crate::endpoint::Endpoint;
use crate::public::Key;
use crate::together::Together;

/// Cheap to clone; connections are kept and shared.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    endpoint: Endpoint,
    speech: Speech,
    catalogues: Catalogues,
    together: Together,
}

/// What is spoken at the other end.
enum Speech {
    /// Dataflow's internal routes: the caller travels as an assertion.
    Internal,
    /// A public face's: whoever calls is whoever holds the key, and a call's own caller is not sent.
    Public { key: Key, nodes: &'static str },
}

/// As whom a public server is asked, and whom it is believed.
#[derive(Debug, Clone, Copy, Default)]
pub struct By<'a> {
    pub key: Option<&'a str>,
    /// Certificates as PEM, beside those that browsers trust.
    pub trusted: Option<&'a [u8]>,
}

impl Client {
    /// Of the dataflow service: `http://dataflow:8001`. Every address that the name has is used. Connects on demand.
    pub fn new(address: &str) -> Result<Self, BadAddress> {
        Self::of(address.parse()?, None, Speech::Internal)
    }

    /// Of a public API server: `http://127.0.0.1:8000`, `https://data.example.com`, as the key's holder or as anybody.
    pub fn public(address: &str, by: &By<'_>) -> Result<Self, BadAddress> {
        Self::of_face(address, by, "/api/v1/call")
    }

    /// Of nexus's public port, `http://127.0.0.1:8002`, which has the nodes of workflows, runs and sessions.
    pub fn nexus(address: &str, by: &By<'_>) -> Result<Self, BadAddress> {
        Self::of_face(address, by, "/nexus/v1/call")
    }

    fn of_face(address: &str, by: &By<'_>, nodes: &'static str) -> Result<Self, BadAddress> {
        let key = Key::new(by.key)?;
        Self::of(address.parse()?, by.trusted, Speech::Public { key, nodes })
    }

    fn of(address: Address, trusted: Option<&[u8]>, speech: Speech) -> Result<Self, BadAddress> {
        Ok(Self {
            inner: Arc::new(Inner {
                endpoint: Endpoint::new(address, trusted)?,
                speech,
                catalogues: Catalogues::default(),
                together: Together::default(),
            }),
        })
    }

    /// Dataflow's health as it tells it itself; a public server only shows whether it answers.
    async fn ask_health(&self) -> Health {
        let begun = Instant::now();
        let (name, asked) = match &self.inner.speech {
            Speech::Internal => ("dataflow", self.reported_health().await.map(Some)),
            Speech::Public { .. } => (
                "api",
                self.fetch_catalogue(&Caller::Anonymous).await.map(|_| None),
            ),
        };
        let latency_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let dependency = match asked {
            Ok(report) => Dependency {
                name: name.to_owned(),
                status: report
                    .as_ref()
                    .map_or(Status::Ok, |report: &Health| report.status),
                required: true,
                latency_us,
                reason: None,
                report: report.map(Box::new),
            },
            Err(problem) => Dependency {
                name: name.to_owned(),
                status: Status::Down,
                required: true,
                latency_us,
                reason: Some(problem.detail),
                report: None,
            },
        };
        Health::of("client", env!("CARGO_PKG_VERSION"), vec![dependency])
    }
}

impl Calls for Client {
    fn call(&self, call: Call) -> Reached<'_, Answer> {
        Box::pin(self.carry_patiently(call))
    }

    fn catalogue<'a>(&'a self, caller: &'a Caller) -> Reached<'a, Arc<Catalogue>> {
        Box::pin(self.patient_catalogue(caller))
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        Box::pin(self.ask_health())
    }
}
