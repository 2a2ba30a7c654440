//! The crate as others use it: files in, models, seeds and mistakes out; values and filters there and back.

#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "tests are tables of cases, and a case that cannot be set up fails"
)]

mod filters;
mod groups;
mod mistakes;
mod projects;
mod schemas;
mod seeds;
mod values;
mod workflows;
