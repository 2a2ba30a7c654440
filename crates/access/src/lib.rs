//! Who is calling, and what they may do: one evaluation, below every face.

pub mod jwt;
mod policy;
mod principal;
mod scope;
mod signer;
pub mod token;

pub use policy::{Fields, Grant, Policy};
pub use principal::{ADMIN, ANYONE, Principal};
pub use scope::Scope;
pub use signer::{Refused, Signer};
