//! Steps that are no nodes of ours: each may be done more than once.

mod arguments;
mod chat;
mod email;
mod guard;
mod request;
mod said;
mod transform;
mod web;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;
use wire::{NodeName, Problem};

use crate::settings::Reach;
use web::Web;

/// One of them; what it takes and answers is the model's to say.
pub trait Outside: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>>;
}

/// By name.
pub(crate) struct Outsides(Vec<Arc<dyn Outside>>);

impl Outsides {
    pub(crate) fn new(reach: &Reach) -> Self {
        Self(vec![
            Arc::new(request::Request(Web::guarded(reach))),
            Arc::new(transform::Transform::default()),
            Arc::new(said::Template),
            Arc::new(said::Log),
            Arc::new(said::Emit),
            Arc::new(chat::Asking::new(reach)),
            Arc::new(email::Email::new(reach)),
        ])
    }

    /// Instead of the one of the same name.
    pub(crate) fn put(&mut self, outside: Arc<dyn Outside>) {
        self.0.retain(|other| other.name() != outside.name());
        self.0.push(outside);
    }

    pub(crate) fn of(&self, node: &NodeName) -> Option<&dyn Outside> {
        let mut all = self.0.iter();
        all.find(|outside| outside.name() == node.as_str())
            .map(|outside| &**outside)
    }
}

pub(crate) fn is_outside(node: &NodeName) -> bool {
    let mut known = model::workflow::outside().iter();
    known.any(|outside| outside.name == node.as_str())
}
