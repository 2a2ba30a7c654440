//! The filters, tests and functions that expressions may say.

pub(super) const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "date",
    "decimal",
    "default",
    "dictsort",
    "first",
    "float",
    "format",
    "fromjson",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "minus",
    "plus",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];
pub(super) const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "gt",
    "greaterthan",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
];
pub(super) const FUNCTIONS: &[&str] = &["dict", "range"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::Expression;

    #[test]
    fn every_word_that_is_let_through_is_there() {
        let scope = minijinja::Value::from(());
        for (kind, words) in [("filter", FILTERS), ("test", TESTS)] {
            for word in words {
                let asked = Expression::new(&format!("'{word}' is {kind}"));
                assert_eq!(
                    asked.and_then(|asked| asked.holds(&scope)),
                    Ok(true),
                    "{kind} {word}"
                );
            }
        }
        for function in FUNCTIONS {
            assert!(
                Expression::new(function)
                    .and_then(|one| one.value(&scope))
                    .is_ok(),
                "{function}"
            );
        }
    }
}
