//! The operators of both spellings, and which fields they fit.

use super::{Comparison, Operand, Test};
use crate::{Field, Kind, Value, did_you_mean};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Compare(Comparison),
    In,
    Like { fold_case: bool },
    Is,
    Contains,
    ContainedBy,
    Overlaps,
}

/// Name in JSON, name in the query string, operator. The first of an operator is its documented name.
const OPERATORS: [(&str, &str, Operator); 14] = [
    ("eq", "eq", Operator::Compare(Comparison::Eq)),
    ("ne", "neq", Operator::Compare(Comparison::Ne)),
    ("neq", "ne", Operator::Compare(Comparison::Ne)),
    ("lt", "lt", Operator::Compare(Comparison::Lt)),
    ("lte", "lte", Operator::Compare(Comparison::Lte)),
    ("gt", "gt", Operator::Compare(Comparison::Gt)),
    ("gte", "gte", Operator::Compare(Comparison::Gte)),
    ("in", "in", Operator::In),
    ("like", "like", Operator::Like { fold_case: false }),
    ("ilike", "ilike", Operator::Like { fold_case: true }),
    ("is", "is", Operator::Is),
    ("contains", "cs", Operator::Contains),
    ("contained_by", "cd", Operator::ContainedBy),
    ("overlaps", "ov", Operator::Overlaps),
];

/// What is wrong, and the nearest valid word.
pub(crate) type Wrong = (String, Option<String>);

/// Refuses what is no operator of the field.
pub(crate) fn known(field: &Field, name: &str) -> Result<(), Wrong> {
    Operator::from_json(name)?.check(field)
}

impl Operator {
    pub(super) fn from_json(name: &str) -> Result<Self, Wrong> {
        Self::find(
            name,
            OPERATORS
                .into_iter()
                .map(|(json, _, operator)| (json, operator)),
        )
    }

    pub(super) fn from_query(name: &str) -> Result<Self, Wrong> {
        Self::find(
            name,
            OPERATORS
                .into_iter()
                .map(|(_, query, operator)| (query, operator)),
        )
    }

    fn find(
        name: &str,
        names: impl Iterator<Item = (&'static str, Self)> + Clone,
    ) -> Result<Self, Wrong> {
        names
            .clone()
            .find(|(known, _)| *known == name)
            .map(|(_, operator)| operator)
            .ok_or_else(|| {
                let hint = did_you_mean(name, names.clone().map(|(known, _)| known).chain(["not"]))
                    .or_else(|| {
                        let names: Vec<_> = names.map(|(known, _)| known).collect();
                        Some(format!("operators are {}, not", names.join(", ")))
                    });
                (format!("`{name}` is no operator"), hint)
            })
    }

    /// Whether the operand is a list.
    pub(super) fn takes_list(self) -> bool {
        matches!(
            self,
            Self::In | Self::Contains | Self::ContainedBy | Self::Overlaps
        )
    }

    /// Refuses an operator that has no meaning for the field.
    pub(super) fn check(self, field: &Field) -> Result<(), Wrong> {
        let fits = match self {
            Self::Is => true,
            Self::Contains | Self::ContainedBy | Self::Overlaps => {
                field.array && field.kind.is_ordered()
            }
            Self::Like { .. } => matches!(field.kind, Kind::Text | Kind::Enum(_)) && !field.array,
            Self::Compare(_) | Self::In => field.kind.is_ordered() && !field.array,
        };
        if fits {
            return Ok(());
        }
        let offered = match (field.array, &field.kind) {
            (_, Kind::Json | Kind::Vector { .. }) => "is.null",
            (true, _) => "cs (contains), cd (contained by), ov (overlaps) and is.null",
            (false, _) => "eq, neq, lt, lte, gt, gte, in and is",
        };
        let hint = format!("for {} there are {offered}", field.kind_name());
        Err((
            format!(
                "the operator does not fit {}, which is {}",
                field.name,
                field.kind_name()
            ),
            Some(hint),
        ))
    }

    /// The test for operands that are values of the field already.
    pub(super) fn test(self, mut operands: Vec<Operand>) -> Option<Test> {
        Some(match self {
            Self::Compare(comparison) => Test::Compare(comparison, operands.pop()?),
            Self::In => Test::In(operands),
            Self::Contains => Test::Contains(operands),
            Self::ContainedBy => Test::ContainedBy(operands),
            Self::Overlaps => Test::Overlaps(operands),
            Self::Like { fold_case } => match operands.pop()? {
                Operand::Value(Value::Text(text)) => like(&text, fold_case),
                _ => return None,
            },
            Self::Is => return None,
        })
    }
}

/// The operand of `like`: any text that a store can hold.
pub(super) fn pattern(text: &str) -> Result<Value, Wrong> {
    if text.contains('\0') {
        return Err(("no text has the character U+0000".to_owned(), None));
    }
    Ok(Value::Text(text.to_owned()))
}

/// `*` is read as `%`, since `%` is awkward in a URL.
pub(super) fn like(text: &str, fold_case: bool) -> Test {
    let mut pattern = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            ('*', _) => pattern.push('%'),
            (_, true) => {
                // An escape before a star makes it a plain star, which needs none in SQL.
                match chars.next() {
                    Some('*') => pattern.push('*'),
                    Some(next) => pattern.extend(['\\', next]),
                    None => pattern.push_str("\\\\"),
                }
            }
            _ => pattern.push(c),
        }
    }
    Test::Like { pattern, fold_case }
}

/// `is.null`, `is.true`, …; the boolean says whether it is to be negated.
pub(super) fn is(field: &Field, word: &str) -> Result<(Test, bool), Wrong> {
    let is_bool = field.kind == Kind::Bool && !field.array;
    match word {
        "null" => Ok((Test::IsNull, false)),
        "not_null" => Ok((Test::IsNull, true)),
        "true" | "false" if is_bool => Ok((Test::Is(word == "true"), false)),
        _ => {
            let words = if is_bool {
                "null, not_null, true or false"
            } else {
                "null or not_null"
            };
            Err((format!("`is` takes {words}, not `{word}`"), None))
        }
    }
}
