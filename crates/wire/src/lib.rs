//! Every type that crosses a socket, and the one seam between services: [`Calls`]. No IO.

mod answer;
pub mod batch;
mod body;
mod call;
mod caller;
mod callers;
mod calls;
mod catalogue;
mod health;
mod http_form;
mod near;
mod node;
mod problem;
pub mod run;
mod schema;
pub mod scope;
pub mod session;
mod trace;

pub use answer::{Answer, Count, Meta};
pub use body::{Body, ByteStream, Content, Media};
pub use call::{Call, CountWish, IfVersion, Options, Reply, Step};
pub use caller::{AuthServers, Caller, Credential, Grant};
pub use callers::{Callers, Identity};
pub use calls::{Calls, Reached};
pub use catalogue::{
    Catalogue, FieldInfo, FilterInfo, GroupInfo, Hints, ModelInfo, NodeIndex, NodeInfo, Primitive,
    TaskSupport, Tools,
};
pub use health::{Dependency, Health, Status};
pub use http_form::{AnswerParts, CallParts, header};
pub use near::nearest;
pub use node::{BadNodeName, NodeName};
pub use problem::{Code, ExitKind, Fault, Problem};
pub use schema::Schema;
pub use trace::Trace;
