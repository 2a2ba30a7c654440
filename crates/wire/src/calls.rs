//! The seam between faces and nodes.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{Answer, Call, Caller, Catalogue, Health, Problem};

/// Everything a face needs. Two implementations: the nodes in this process (`nodes`) and the client of the dataflow
/// service (`client`). Faces never know which one they hold.
pub trait Calls: Send + Sync + 'static {
    fn call(&self, call: Call) -> Reached<'_, Answer>;

    /// What this caller may see of the catalogue. The same `Arc` until the models or the caller's rights change, so a
    /// face may cache what it derives by the catalogue's `version`.
    fn catalogue<'a>(&'a self, caller: &'a Caller) -> Reached<'a, Arc<Catalogue>>;

    /// The health of what stands behind the seam, told as a dependency.
    fn health(&self) -> BoxFuture<'_, Health>;
}

pub type Reached<'a, T> = BoxFuture<'a, Result<T, Problem>>;
