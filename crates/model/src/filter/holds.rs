//! A filter against a record in memory, with SQL's three values.

use std::cmp::Ordering;

use super::{Comparison, Filter, Operand, Test};
use crate::{Field, FieldId, Model, Value, value::fold_char};

impl Filter {
    /// Whether it holds for a record in memory: `None` is SQL's unknown.
    pub fn holds<'a>(&self, model: &Model, value: &dyn Fn(FieldId) -> &'a Value) -> Option<bool> {
        match self {
            Self::True => Some(true),
            Self::False => Some(false),
            Self::All(filters) => fold_all(
                filters.iter().map(|filter| filter.holds(model, value)),
                false,
            ),
            Self::Any(filters) => fold_all(
                filters.iter().map(|filter| filter.holds(model, value)),
                true,
            ),
            Self::Not(filter) => filter.holds(model, value).map(|holds| !holds),
            Self::Test { field, test } => test.holds(model.field(*field), value(*field)),
        }
    }
}

/// `decisive` once settles it; else one unknown makes all unknown.
fn fold_all(values: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut unknown = false;
    for value in values {
        match value {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => unknown = true,
        }
    }
    if unknown { None } else { Some(!decisive) }
}

impl Test {
    fn holds(&self, field: &Field, value: &Value) -> Option<bool> {
        if let Self::IsNull = self {
            return Some(value.is_null());
        }
        if let Self::In(operands) = self
            && operands.is_empty()
        {
            return Some(false);
        }
        if value.is_null() {
            return None;
        }
        let equal = |one: &Value, operand: &Operand| match operand {
            Operand::Value(other) => one.compare(other, field.nocase) == Some(Ordering::Equal),
            Operand::Caller(_) => false,
        };
        let items: &[Value] = if let Value::Array(items) = value {
            items
        } else {
            &[]
        };
        Some(match self {
            Self::Compare(comparison, Operand::Value(other)) => {
                comparison.admits(value.compare(other, field.nocase)?)
            }
            Self::Compare(_, Operand::Caller(_)) => return None,
            Self::In(operands) => operands.iter().any(|operand| equal(value, operand)),
            Self::Like { pattern, fold_case } => match value {
                Value::Text(text) => like(text, pattern, *fold_case || field.nocase),
                _ => return None,
            },
            Self::IsNull => false,
            Self::Is(wanted) => *value == Value::Bool(*wanted),
            Self::Contains(operands) => operands
                .iter()
                .all(|operand| items.iter().any(|item| equal(item, operand))),
            Self::ContainedBy(operands) => items
                .iter()
                .all(|item| operands.iter().any(|operand| equal(item, operand))),
            Self::Overlaps(operands) => items
                .iter()
                .any(|item| operands.iter().any(|operand| equal(item, operand))),
        })
    }
}

impl Comparison {
    pub fn admits(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq => ordering.is_eq(),
            Self::Ne => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Lte => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Gte => ordering.is_ge(),
        }
    }
}

/// SQL's LIKE with backslash escapes, in time linear to text × wildcards: only the last `%` is ever tried again.
pub fn like(text: &str, pattern: &str, fold_case: bool) -> bool {
    #[derive(Clone, Copy, PartialEq)]
    enum Part {
        Any,
        One,
        Char(char),
    }
    let same = |c: char| if fold_case { fold_char(c) } else { c };
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '%' => Part::Any,
            '_' => Part::One,
            '\\' => Part::Char(same(chars.next().unwrap_or('\\'))),
            c => Part::Char(same(c)),
        });
    }
    let text: Vec<char> = text.chars().map(same).collect();
    let (mut at, mut part, mut retry) = (0, 0, None);
    loop {
        match parts.get(part) {
            Some(Part::Any) => {
                retry = Some((at, part));
                part += 1;
                continue;
            }
            Some(Part::One) if at < text.len() => {
                at += 1;
                part += 1;
                continue;
            }
            Some(Part::Char(c)) if text.get(at) == Some(c) => {
                at += 1;
                part += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        match retry {
            Some((from, any)) if from < text.len() => {
                retry = Some((from + 1, any));
                at = from + 1;
                part = any + 1;
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_matches_as_sql_does() {
        for (text, pattern, fold, expected) in [
            ("The Land Girls", "The%", false, true),
            ("The Land Girls", "the%", false, false),
            ("The Land Girls", "the%", true, true),
            ("abc", "a_c", false, true),
            ("abc", "a_", false, false),
            ("100%", "100\\%", false, true),
            ("1000", "100\\%", false, false),
            ("aXbXc", "%X%c", false, true),
            ("", "%", false, true),
            ("", "", false, true),
            ("Ünï", "üNÏ", true, true),
            ("ab", "%a%b%", false, true),
            ("ba", "%a%b%", false, false),
        ] {
            assert_eq!(like(text, pattern, fold), expected, "{text} like {pattern}");
        }
    }
}
