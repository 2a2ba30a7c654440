//! How the stores are: each is asked something that only works where it does its job for us. And issuers' keys.

use std::time::Instant;

use wire::{Dependency, Health, Status};

use crate::nodes::Nodes;

impl Nodes {
    pub(crate) async fn report(&self) -> Health {
        let store = async {
            let name = match self.store.engine() {
                store::Engine::Postgres => "postgres",
                store::Engine::Sqlite => "sqlite",
            };
            Some(ask(name, true, self.store.ping()).await)
        };
        let redis = async {
            let cache = self.cache.as_ref().filter(|cache| cache.is_remote())?;
            Some(ask("redis", false, cache.ping()).await)
        };
        let neo4j = async {
            let graph = self.graph.as_ref()?;
            Some(ask("neo4j", false, graph.ping()).await)
        };
        let (store, redis, neo4j) = tokio::join!(store, redis, neo4j);
        let stores = [store, redis, neo4j].into_iter().flatten();
        let dependencies = stores.chain(self.tokens.dependencies()).collect();
        Health::of("dataflow", env!("CARGO_PKG_VERSION"), dependencies)
    }
}

async fn ask<E: ToString>(
    name: &str,
    required: bool,
    question: impl Future<Output = Result<(), E>>,
) -> Dependency {
    let begun = Instant::now();
    let asked = question.await;
    Dependency {
        name: name.to_owned(),
        status: if asked.is_ok() {
            Status::Ok
        } else {
            Status::Down
        },
        required,
        latency_us: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
        reason: asked.err().map(|error| error.to_string()),
        report: None,
    }
}
