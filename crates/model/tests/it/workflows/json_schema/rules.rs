//! What each rule of a schema says of values that do not fit.

use serde_json::{Value, json};

use super::super::parse_whole;
use super::lines;

/// What is said of `{"a": …}`.
fn told_of(schema: &Value, defs: &Value, value: &str) -> String {
    let text = json!({
        "workflow": "w", "steps": [{"wait": "1s"}],
        "inputs": {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "properties": {"a": schema}, "$defs": defs,
        },
    });
    lines(parse_whole(&text.to_string()).check_input(&format!(r#"{{"a": {value}}}"#)))
}

#[test]
fn each_rule_says_why() {
    for (schema, value, expected) in [
        (
            json!({"type": ["null", "string"]}),
            "[]",
            "/a wrong_type `a` is not of types \"null\", \"string\"",
        ),
        (
            json!({"exclusiveMinimum": 1}),
            "1",
            "/a out_of_range `a` is not above 1",
        ),
        (
            json!({"exclusiveMaximum": 1}),
            "1.5",
            "/a out_of_range `a` is not below 1",
        ),
        (
            json!({"maximum": 1}),
            "2",
            "/a out_of_range `a` is greater than the maximum of 1",
        ),
        (
            json!({"multipleOf": 0.5}),
            "0.7",
            "/a invalid_value `a` is not a multiple of 0.5",
        ),
        (
            json!({"maxLength": 1}),
            "\"éé\"",
            "/a too_long `a` has more than 1 character",
        ),
        (
            json!({"minItems": 2}),
            "[1]",
            "/a too_short `a` has fewer than 2 items",
        ),
        (
            json!({"minProperties": 1}),
            "{}",
            "/a too_short `a` has fewer than 1 member",
        ),
        (
            json!({"pattern": "^\\d$"}),
            "\"٣\"",
            "/a invalid_value `a` does not match `^\\d$`",
        ),
        (
            json!({"uniqueItems": true}),
            r#"[{"b": 1, "c": 2}, {"c": 2.0, "b": 1}]"#,
            "/a invalid_value `a` has an item twice",
        ),
        (
            json!({"dependentRequired": {"b": ["c", "d"]}}),
            r#"{"b": 1, "c": 1}"#,
            "/a/d required d must be given where b is",
        ),
        (
            json!({"propertyNames": {"maxLength": 1}}),
            r#"{"bc": 1}"#,
            "/a/bc too_long `bc` has more than 1 character",
        ),
        (
            json!({"patternProperties": {"^b": {"type": "null"}}}),
            r#"{"bc": 1}"#,
            "/a/bc wrong_type `bc` is not of type \"null\"",
        ),
        (
            json!({"prefixItems": [true], "items": false}),
            "[1, 2]",
            "/a/1 invalid_value `a/1` must not be given",
        ),
        (
            json!({"contains": {"type": "null"}, "minContains": 2}),
            "[null, 1]",
            "/a invalid_value `a` has 1 of the items of which it has at least 2",
        ),
        (
            json!({"contains": {"type": "null"}, "maxContains": 1}),
            "[null, null]",
            "/a invalid_value `a` has 2 of the items of which it has from 1 to 1",
        ),
        (json!({"not": {"type": "null"}}), "1", ""),
        (
            json!({"not": {"type": "number"}}),
            "1",
            "/a invalid_value `a` is what it must not be",
        ),
        (
            json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}),
            "3",
            "/a invalid_value `a` is more than one of what it may be",
        ),
        (
            json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}),
            "0",
            "/a invalid_value `a` is none of what it may be: `a` is less than the minimum of 1; or `a` is less than the minimum of 2",
        ),
        (
            json!({"dependentSchemas": {"b": {"required": ["c"]}}}),
            r#"{"b": 1}"#,
            "/a/c required c must be given",
        ),
        (
            json!({"anyOf": [{"required": ["b"], "properties": {"b": true}}, true], "unevaluatedProperties": false}),
            r#"{"b": 1, "c": 1}"#,
            "/a/c unknown_field `a` has no `c`",
        ),
        (
            json!({"allOf": [{"prefixItems": [true]}], "contains": {"type": "null"}, "unevaluatedItems": {"type": "string"}}),
            "[1, null, 2]",
            "/a/2 wrong_type `a/2` is not of type \"string\"",
        ),
    ] {
        assert_eq!(told_of(&schema, &json!({}), value), expected, "{schema}");
    }
}

/// A schema may lead from one to the next through hundreds, for each value within a value.
#[test]
fn what_takes_too_long_is_refused() {
    let mut defs = serde_json::Map::new();
    for index in 0..1500 {
        let next = json!({"$ref": format!("#/$defs/s{}", index + 1)});
        defs.insert(format!("s{index}"), next);
    }
    let below = json!({"properties": {"a": {"$ref": "#/$defs/s1400"}}});
    defs.insert("s1500".to_owned(), below);
    let defs = Value::Object(defs);
    let deep = r#"{"a":"#.repeat(60) + "1" + &"}".repeat(60);
    let refused = |start: &str| told_of(&json!({"$ref": start}), &defs, &deep);
    let told = refused("#/$defs/s0");
    assert!(told.ends_with("takes too long to check"), "{told}");
    let told = refused("#/$defs/s1490");
    assert!(told.ends_with("takes too long to check"), "{told}");

    let twice = |index: usize| {
        let next = json!({"$ref": format!("#/$defs/t{}", index + 1)});
        (format!("t{index}"), json!({"allOf": [next, next]}))
    };
    let mut defs: serde_json::Map<_, _> = (0..60).map(twice).collect();
    defs.insert("t60".to_owned(), json!({"type": "integer"}));
    let told = told_of(&json!({"$ref": "#/$defs/t0"}), &Value::Object(defs), "1");
    assert!(told.ends_with("takes too long to check"), "{told}");
}

#[test]
fn numbers_are_as_they_are_written() {
    for (schema, fits, others) in [
        (json!({"multipleOf": 0.01}), "19.99", "19.995"),
        (json!({"multipleOf": 0.1}), "0.3", "0.35"),
        (
            json!({"multipleOf": 1.5}),
            "9007199254740993",
            "9007199254740992",
        ),
        (
            json!({"minimum": 9_007_199_254_740_993_i64}),
            "9007199254740993",
            "9007199254740992",
        ),
        (
            json!({"exclusiveMaximum": u64::MAX}),
            "18446744073709551614",
            "18446744073709551615",
        ),
        (json!({"const": 1.0}), "1", "1.1"),
        (json!({"type": "integer"}), "1e3", "1e-3"),
    ] {
        assert_eq!(told_of(&schema, &json!({}), fits), "", "{schema} {fits}");
        assert_ne!(
            told_of(&schema, &json!({}), others),
            "",
            "{schema} {others}"
        );
    }
}
