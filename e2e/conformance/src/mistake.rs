//! A step that meets a mistake of the server's own, which no project can make on purpose.

use flow::Outside;
use futures_util::future::BoxFuture;
use serde_json::Value;
use wire::{Code, Problem};

pub(crate) struct Mistake;

impl Outside for Mistake {
    fn name(&self) -> &'static str {
        "emit"
    }

    fn call(&self, _: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async { Err(Problem::new(Code::Internal).detail("made on purpose")) })
    }
}
