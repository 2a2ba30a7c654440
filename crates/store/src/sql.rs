//! Queries as values → statements: text with quoted identifiers, and bound arguments. Pure.

mod aggregate;
mod changes;
mod filter;
mod point;
pub(crate) mod run;
mod select;
mod session;
mod write;

pub(crate) use aggregate::aggregate;
pub(crate) use changes::changes;
pub(crate) use point::point;
pub(crate) use select::{count, estimate, key_places, list, lock, select};
pub(crate) use session::{
    close_session, extend_session, keep_session, open_session, put_session, session, sessions,
};
pub(crate) use write::{delete, insert, insert_only, is_unnestable, rows_of, update};

use model::{Field, Kind, Value};

use crate::Engine;
use crate::layout::quote;

/// A statement's text and what its parameters are bound to.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) text: String,
    pub(crate) args: Vec<Arg>,
}

/// A parameter: the type says how it is bound where the value is null or a list.
#[derive(Debug, Clone)]
pub(crate) struct Arg {
    pub(crate) value: Value,
    pub(crate) scalar: Scalar,
    pub(crate) array: bool,
}

/// How values of a kind are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text,
    Int,
    Float,
    Decimal,
    Bool,
    Uuid,
    Date,
    Time,
    Timestamp,
    Json,
    Bytes,
    Vector,
}

impl From<&Kind> for Scalar {
    fn from(kind: &Kind) -> Self {
        match kind {
            Kind::Text | Kind::Enum(_) => Self::Text,
            Kind::Int => Self::Int,
            Kind::Float => Self::Float,
            Kind::Decimal { .. } => Self::Decimal,
            Kind::Bool => Self::Bool,
            Kind::Uuid | Kind::Ref { .. } => Self::Uuid,
            Kind::Date => Self::Date,
            Kind::Time => Self::Time,
            Kind::Timestamp => Self::Timestamp,
            Kind::Json => Self::Json,
            Kind::Bytes => Self::Bytes,
            Kind::Vector { .. } => Self::Vector,
        }
    }
}

/// A statement while it is written.
pub(crate) struct Writer {
    pub(crate) engine: Engine,
    text: String,
    args: Vec<Arg>,
}

impl Writer {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            text: String::with_capacity(512),
            args: Vec::new(),
        }
    }

    /// SQL that stands in this source code; never a value or a name.
    pub(crate) fn sql(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        self.text.push_str(&quote(name));
        self
    }

    /// `alias."column"`
    pub(crate) fn column(&mut self, alias: &'static str, field: &Field) -> &mut Self {
        self.text.push_str(alias);
        self.text.push('.');
        self.name(&field.name)
    }

    /// An integer of ours in the text itself: a bound LIMIT makes PostgreSQL plan each request again.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.text.push_str(itoa::Buffer::new().format(number));
        self
    }

    pub(crate) fn arg(&mut self, value: Value, scalar: Scalar, array: bool) -> &mut Self {
        self.args.push(Arg {
            value,
            scalar,
            array,
        });
        self.text.push(if self.engine == Engine::Postgres {
            '$'
        } else {
            '?'
        });
        self.number(self.args.len() as u64)
    }

    /// A value of the field's own type.
    pub(crate) fn value(&mut self, field: &Field, value: Value) -> &mut Self {
        self.arg(value, Scalar::from(&field.kind), field.array)
    }

    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            each(self, item);
        }
        self
    }

    /// What a field is compared and ordered by.
    pub(crate) fn key(&mut self, alias: &'static str, field: &Field) -> &mut Self {
        // SQLite's columns carry their collation; PostgreSQL's texts are "C", so letters are folded in the expression.
        if field.nocase && self.engine == Engine::Postgres {
            self.sql("gantry_fold(").column(alias, field).sql(")")
        } else {
            self.column(alias, field)
        }
    }

    /// An operand for [`Writer::key`].
    pub(crate) fn key_value(&mut self, field: &Field, value: Value) -> &mut Self {
        let scalar = Scalar::from(&field.kind);
        match value {
            Value::Text(text) if field.nocase && self.engine == Engine::Postgres => {
                self.arg(Value::Text(model::fold(&text)), scalar, false)
            }
            value => self.arg(value, scalar, false),
        }
    }

    pub(crate) fn finish(self) -> Statement {
        Statement {
            text: self.text,
            args: self.args,
        }
    }
}
