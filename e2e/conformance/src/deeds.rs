//! What the suite's server does beyond any other: a step `emit` makes a mistake of the server's own, which no project can
//! make on purpose, or adds a file to the project, as a person would.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use flow::Outside;
use futures_util::future::BoxFuture;
use serde_json::Value;
use wire::{Code, Problem};

pub(crate) struct Deeds {
    /// The project's workflows.
    folder: PathBuf,
    added: AtomicU32,
}

impl Deeds {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            added: AtomicU32::new(0),
        }
    }

    async fn add(&self, offer: &str) -> std::io::Result<()> {
        let number = self.added.fetch_add(1, Ordering::Relaxed);
        let name = format!("added_{number}");
        let text = format!(
            "workflow: {name}\nabout: Was added.\noffer: {offer}\nsteps: [{{ node: log, with: {{ message: Added }} }}]\n"
        );
        tokio::fs::write(self.folder.join(format!("{name}.yaml")), text).await
    }
}

impl Outside for Deeds {
    fn name(&self) -> &'static str {
        "emit"
    }

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async move {
            let what = (input["name"].as_str(), input["payload"].as_str());
            let (Some("add"), Some(offer @ ("tool" | "prompt"))) = what else {
                return Err(Problem::new(Code::Internal).detail("made on purpose"));
            };
            let added = self.add(offer).await;
            added.map_err(|error| Problem::new(Code::Internal).detail(error.to_string()))?;
            Ok(input)
        })
    }
}
