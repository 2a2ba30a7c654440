//! Records in PostgreSQL or SQLite, one behaviour. The only SQL of the project.

mod changes;
mod encode;
mod error;
mod given;
mod layout;
pub mod migrate;
mod pages;
mod point;
mod postgres;
mod query;
mod run;
mod settings;
mod sql;
mod sqlite;
mod store;
mod stream;
mod write;

pub use changes::{Change, Position};
pub use error::{Error, Violation};
pub use point::PointRead;
pub use query::{Aggregate, Column, Format, Measure, Page, Record, Select, TextSearch};
pub use run::{
    NewRun, NewStep, RenewedRow, RunAdvanced, RunChange, RunChanges, RunFilter, RunNews, RunPlace,
    RunRow, ScheduleRow, Slot, StepDone, StepKept, TriggerRow, Unseen,
};
pub use settings::{Location, Settings};
pub use store::{Engine, MOST_SESSIONS, Retried, SessionName, SessionPut, SessionRow, Store, Tx};
pub use stream::{Admission, Chunks, Pace};
pub use write::{
    Claim, Conflict, Delete, Guard, Insert, Kept, KeyRow, Op, Update, Write, Written, WrittenRow,
};
