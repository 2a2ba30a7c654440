//! What is done to the columns of one table, and its inverse; both engines spell the same operations.

use super::diff::ColumnChange;
use super::schema::{Column, parked};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Op {
    Rename {
        from: Column,
        to: Column,
    },
    Add(Column),
    /// The column becomes `parked`: no condition but its type.
    Park {
        column: Column,
        parked: String,
    },
    Unpark {
        parked: String,
        column: Column,
    },
    /// `from` becomes `parked`, and `to` takes the values that convert.
    Replace {
        from: Column,
        to: Column,
        parked: String,
    },
    /// The inverse of `Replace`: `from` becomes `aside`, `parked` becomes `to` again, with what was changed since.
    Restore {
        from: Column,
        to: Column,
        parked: String,
        aside: String,
    },
    Constrain {
        from: Column,
        to: Column,
    },
}

/// The operation of a change in a migration of this number, and the operation that undoes it.
#[expect(
    clippy::too_many_lines,
    reason = "one table: each change, forth and back"
)]
pub(super) fn of(change: &ColumnChange, migration: u64, table: &super::schema::Table) -> (Op, Op) {
    let park = |name: &str| parked(migration, name);
    // Undoing never destroys either.
    let aside = |name: &str| parked(migration, &format!("undone_{name}"));
    match change {
        ColumnChange::Rename { from, to } => {
            let new = table.column(to).cloned().unwrap_or_default();
            let old = Column {
                name: from.clone(),
                ..new.clone()
            };
            let forth = Op::Rename {
                from: old.clone(),
                to: new.clone(),
            };
            let back = Op::Rename { from: new, to: old };
            (forth, back)
        }
        ColumnChange::Add(column) => {
            let back = Op::Park {
                column: column.clone(),
                parked: aside(&column.name),
            };
            (Op::Add(column.clone()), back)
        }
        ColumnChange::Park(column) => {
            let forth = Op::Park {
                column: column.clone(),
                parked: park(&column.name),
            };
            let back = Op::Unpark {
                parked: park(&column.name),
                column: column.clone(),
            };
            (forth, back)
        }
        ColumnChange::Retype { from, to } => {
            let forth = Op::Replace {
                from: from.clone(),
                to: to.clone(),
                parked: park(&from.name),
            };
            let back = Op::Restore {
                from: to.clone(),
                to: from.clone(),
                parked: park(&from.name),
                aside: aside(&from.name),
            };
            (forth, back)
        }
        ColumnChange::Constrain { from, to } => {
            let forth = Op::Constrain {
                from: from.clone(),
                to: to.clone(),
            };
            let narrower = from.check != to.check || from.sql != to.sql;
            let back = if narrower {
                Op::Replace {
                    from: to.clone(),
                    to: from.clone(),
                    parked: aside(&from.name),
                }
            } else {
                Op::Constrain {
                    from: to.clone(),
                    to: from.clone(),
                }
            };
            (forth, back)
        }
    }
}

impl Op {
    pub(super) fn summary(&self) -> String {
        match self {
            Self::Rename { from, to } => format!("rename {} to {}", from.name, to.name),
            Self::Add(column) => format!("add {}", column.name),
            Self::Park { column, .. } => format!("drop {}", column.name),
            Self::Unpark { column, .. } => format!("bring back {}", column.name),
            Self::Replace { from, to, .. } | Self::Restore { from, to, .. } => {
                if from.key == to.key {
                    return format!("change {}", to.name);
                }
                format!("change {} from {} to {}", to.name, from.key, to.key)
            }
            Self::Constrain { from, to } => match (from.required, to.required) {
                (false, true) => format!("require {}", to.name),
                (true, false) => format!("allow {} to be null", to.name),
                _ => format!("change {}", to.name),
            },
        }
    }
}
