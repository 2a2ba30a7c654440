//! What is derived from a catalogue once: models by path, and the OpenAPI document.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use bytes::Bytes;
use wire::{Catalogue, ModelInfo, nearest};

/// Versions remembered: one for each set of rights that callers have, as long as the models stay.
const MOST: usize = 256;

pub(crate) struct View {
    pub(crate) catalogue: Arc<Catalogue>,
    by_path: HashMap<String, usize>,
    /// With the version of what anyone may call, which it tells as well.
    openapi: RwLock<(String, Bytes)>,
    listing: OnceLock<Bytes>,
}

impl View {
    fn new(catalogue: Arc<Catalogue>) -> Self {
        let by_path = catalogue.models.iter().enumerate();
        let by_path = by_path
            .map(|(index, model)| (model.path.clone(), index))
            .collect();
        Self {
            catalogue,
            by_path,
            openapi: RwLock::default(),
            listing: OnceLock::new(),
        }
    }

    pub(crate) fn model(&self, path: &str) -> Option<&ModelInfo> {
        self.by_path
            .get(path)
            .map(|index| &self.catalogue.models[*index])
    }

    /// The path that is spelled nearly so.
    pub(crate) fn nearest(&self, path: &str) -> Option<&str> {
        nearest(self.by_path.keys().map(String::as_str), path)
    }

    pub(crate) fn openapi(&self, anyone: &Catalogue) -> Bytes {
        let made = self.openapi.read().unwrap_or_else(PoisonError::into_inner);
        if made.0 == anyone.version {
            return made.1.clone();
        }
        drop(made);
        let document = Bytes::from(crate::openapi::document(&self.catalogue, anyone));
        let mut made = self.openapi.write().unwrap_or_else(PoisonError::into_inner);
        *made = (anyone.version.clone(), document.clone());
        document
    }

    pub(crate) fn listing(&self) -> Bytes {
        let listing =
            || Bytes::from(serde_json::to_vec(&*self.catalogue).expect("a catalogue is JSON"));
        self.listing.get_or_init(listing).clone()
    }
}

#[derive(Default)]
pub(crate) struct Views {
    by_version: RwLock<HashMap<String, Arc<View>>>,
}

impl Views {
    pub(crate) fn of(&self, catalogue: &Arc<Catalogue>) -> Arc<View> {
        let known = self
            .by_version
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = known.get(&catalogue.version) {
            return Arc::clone(view);
        }
        drop(known);
        let view = Arc::new(View::new(Arc::clone(catalogue)));
        let mut known = self
            .by_version
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // What only this remembers is of models that are served no longer, and may be large.
        known.retain(|_, view| Arc::strong_count(&view.catalogue) > 1);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(catalogue.version.clone(), Arc::clone(&view));
        view
    }
}
