//! Which records: one tree for both spellings (`rating=gte.7` and `{"rating": {"gte": "7"}}`) and for access rules.

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

    /// With `$caller.…` replaced by what `fact` says; a fact that is `Null` makes its test false.
    #[must_use]
    pub fn bind(&self, fact: &dyn Fn(CallerFact) -> Value) -> Self {
        let _ = fact;
        todo!()
    }

    /// Whether it holds for a record in memory: `None` is SQL's unknown.
    pub fn holds<'a>(
        &self,
        model: &crate::Model,
        value: &dyn Fn(FieldId) -> &'a Value,
    ) -> Option<bool> {
        let _ = (model, value);
        todo!()
    }

    /// Calls `visit` with each field that the filter looks at.
    pub fn fields(&self, visit: &mut dyn FnMut(FieldId)) {
        match self {
            Self::True | Self::False => {}
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().for_each(|filter| filter.fields(visit))
            }
            Self::Not(filter) => filter.fields(visit),
            Self::Test { field, .. } => visit(*field),
        }
    }
}
