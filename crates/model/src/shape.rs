//! What a project file may hold, as one table: the reader checks with it, and editors get it as JSON Schema.

mod check;
mod schema;

pub(crate) use check::check;
pub(crate) use schema::{DIALECT, document};

/// A map's keys. `hint` shows how to write one.
pub(crate) struct Table {
    pub keys: &'static [Key],
    pub hint: &'static str,
}

pub(crate) struct Key {
    pub name: &'static str,
    pub about: &'static str,
    pub shape: Shape,
    pub required: bool,
}

pub(crate) enum Shape {
    /// Any scalar but null, taken as written.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    Bool,
    /// A whole number from 0 within these bounds.
    Count(u64, u64),
    /// `30s`
    Duration,
    /// `8MiB`
    Size,
    /// A number, a boolean or text.
    Scalar,
    /// Anything, null included; read elsewhere.
    Any,
    /// At least one item.
    List(&'static Shape),
    Map(&'static Table),
    /// The same of a table that may hold itself, so that schemas name it once.
    Defined(&'static str, &'static Table),
    /// A map whose keys are names that the project gives.
    Names(&'static Shape),
    /// The same, or where `$schema` is among its keys a JSON Schema as it is; that is read elsewhere.
    NamesOrSchema(&'static Shape),
    /// One of these, told apart by being a scalar, a list or a map.
    Either(&'static Shape, &'static Shape),
}

/// A key that must be there.
pub(crate) const fn required(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        about,
        shape,
        required: true,
    }
}

/// A key that may be left out.
pub(crate) const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        about,
        shape,
        required: false,
    }
}
