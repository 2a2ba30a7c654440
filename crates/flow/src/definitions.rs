//! Workflows as they were when their runs began, each read once.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use model::workflow::Workflow;
use wire::run::{Definition, Wanted};
use wire::{Code, Problem};

use crate::asking::Asking;

/// Beyond, all are forgotten: those that are needed come again.
const MOST: usize = 1_000;

/// By version, which is of the whole text and so of one workflow.
#[derive(Default)]
pub(crate) struct Definitions {
    known: RwLock<HashMap<String, Arc<Workflow>>>,
}

impl Definitions {
    pub(crate) async fn of(
        &self,
        asking: &Asking,
        workflow: &str,
        version: &str,
    ) -> Result<Arc<Workflow>, Problem> {
        if let Some(known) = self.known(version) {
            return Ok(known);
        }
        let wanted = Wanted {
            workflow: workflow.to_owned(),
            version: version.to_owned(),
        };
        let definition: Definition = asking.hidden("definition", &wanted).await?;
        let path = format!("workflows/{workflow}.yaml");
        let parsed = Workflow::parse(Path::new(&path), &definition.text);
        let parsed = Arc::new(parsed.map_err(|mistakes| {
            let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            Problem::new(Code::InvalidProject)
                .detail(told.join("\n"))
                .hint("the run began with this file: cancel it, and start it anew")
        })?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(version.to_owned(), Arc::clone(&parsed));
        Ok(parsed)
    }

    fn known(&self, version: &str) -> Option<Arc<Workflow>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(version).map(Arc::clone)
    }
}
