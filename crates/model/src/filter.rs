//! Which records: one tree for both spellings (`rating=gte.7` and `{"rating": {"gte": "7"}}`) and for access rules.

mod holds;
mod json;
mod operator;
mod query;

pub use holds::like;
pub(crate) use operator::known as known_operator;

use crate::{FieldId, Value};

/// Three-valued as in SQL: a comparison with null is neither true nor false, and `Not` of it neither.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every record.
    True,
    /// No record.
    False,
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test {
        field: FieldId,
        test: Test,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    Compare(Comparison, Operand),
    /// Matches nothing where the list is empty.
    In(Vec<Operand>),
    /// `%` any characters, `_` one, backslash escapes; already in this form (`*` was translated).
    Like {
        pattern: String,
        fold_case: bool,
    },
    IsNull,
    /// `is.true`, `is.false`
    Is(bool),
    /// Array fields: has all of these.
    Contains(Vec<Operand>),
    /// Array fields: has nothing but these.
    ContainedBy(Vec<Operand>),
    /// Array fields: has one of these.
    Overlaps(Vec<Operand>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Value(Value),
    /// `$caller.id`: only in access rules, replaced before a query is made.
    Caller(CallerFact),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerFact {
    Id,
    Tenant,
}

/// How large a filter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterLimits {
    /// How deep `and`, `or` and `not` may nest.
    pub depth: usize,
    /// How many tests and list items it may have.
    pub terms: usize,
}

impl Default for FilterLimits {
    fn default() -> Self {
        Self {
            depth: 8,
            terms: 200,
        }
    }
}

impl Filter {
    /// Both must hold, with the trivial cases folded.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, filter) | (filter, Self::True) => filter,
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::All(mut all), Self::All(more)) => {
                all.extend(more);
                Self::All(all)
            }
            (Self::All(mut all), filter) | (filter, Self::All(mut all)) => {
                all.push(filter);
                Self::All(all)
            }
            (one, two) => Self::All(vec![one, two]),
        }
    }

    /// One must hold, with the trivial cases folded.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, filter) | (filter, Self::False) => filter,
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::Any(mut any), filter) | (filter, Self::Any(mut any)) => {
                any.push(filter);
                Self::Any(any)
            }
            (one, two) => Self::Any(vec![one, two]),
        }
    }

    /// Whether it leaves nothing out, whatever the records hold: `and` of nothing is such a filter.
    pub fn is_everything(&self) -> bool {
        match self {
            Self::True => true,
            Self::False | Self::Test { .. } => false,
            Self::All(filters) => filters.iter().all(Self::is_everything),
            Self::Any(filters) => filters.iter().any(Self::is_everything),
            Self::Not(filter) => filter.is_nothing(),
        }
    }

    /// Whether it leaves everything out, whatever the records hold.
    fn is_nothing(&self) -> bool {
        match self {
            Self::False => true,
            Self::True | Self::Test { .. } => false,
            Self::All(filters) => filters.iter().any(Self::is_nothing),
            Self::Any(filters) => filters.iter().all(Self::is_nothing),
            Self::Not(filter) => filter.is_everything(),
        }
    }

    pub fn eq(field: FieldId, value: Value) -> Self {
        Self::Test {
            field,
            test: Test::Compare(Comparison::Eq, Operand::Value(value)),
        }
    }

    pub fn is_null(field: FieldId) -> Self {
        Self::Test {
            field,
            test: Test::IsNull,
        }
    }

    /// With `$caller.…` replaced by what `fact` says. A fact that is `Null` makes its test unknown, so that no record is
    /// admitted by it, under `not` neither.
    #[must_use]
    pub fn bind(&self, fact: &dyn Fn(CallerFact) -> Value) -> Self {
        self.bind_under(fact, false)
    }

    /// Unknown becomes whatever does not admit a record: false, and under an odd number of `not`s true.
    fn bind_under(&self, fact: &dyn Fn(CallerFact) -> Value, negated: bool) -> Self {
        let bind_all = |filters: &[Self]| {
            filters
                .iter()
                .map(|filter| filter.bind_under(fact, negated))
                .collect::<Vec<_>>()
        };
        match self {
            Self::True => Self::True,
            Self::False => Self::False,
            Self::All(filters) => Self::All(bind_all(filters)),
            Self::Any(filters) => Self::Any(bind_all(filters)),
            Self::Not(filter) => Self::Not(Box::new(filter.bind_under(fact, !negated))),
            Self::Test { field, test } => match test.bind(fact) {
                Some(test) => Self::Test {
                    field: *field,
                    test,
                },
                None if negated => Self::True,
                None => Self::False,
            },
        }
    }

    /// Calls `visit` with each field that the filter looks at.
    pub fn fields(&self, visit: &mut dyn FnMut(FieldId)) {
        match self {
            Self::True | Self::False => {}
            Self::All(filters) | Self::Any(filters) => {
                for filter in filters {
                    filter.fields(visit);
                }
            }
            Self::Not(filter) => filter.fields(visit),
            Self::Test { field, .. } => visit(*field),
        }
    }
}

impl Test {
    /// `None` where a fact of the caller that it needs is not known.
    fn bind(&self, fact: &dyn Fn(CallerFact) -> Value) -> Option<Self> {
        let bind = |operand: &Operand| match operand {
            Operand::Value(value) => Some(Operand::Value(value.clone())),
            Operand::Caller(what) => match fact(*what) {
                Value::Null => None,
                value => Some(Operand::Value(value)),
            },
        };
        let bind_all = |operands: &[Operand]| operands.iter().map(bind).collect::<Option<Vec<_>>>();
        Some(match self {
            Self::Compare(comparison, operand) => Self::Compare(*comparison, bind(operand)?),
            Self::In(operands) => Self::In(bind_all(operands)?),
            Self::Contains(operands) => Self::Contains(bind_all(operands)?),
            Self::ContainedBy(operands) => Self::ContainedBy(bind_all(operands)?),
            Self::Overlaps(operands) => Self::Overlaps(bind_all(operands)?),
            Self::Like { .. } | Self::IsNull | Self::Is(_) => self.clone(),
        })
    }
}
