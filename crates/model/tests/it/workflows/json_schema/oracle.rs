//! Schemas and values by chance: what is said of them is what the `jsonschema` library says. Large numbers are not among
//! them, which it rounds.

use std::time::{Duration, Instant};

use jsonschema::{Draft, PatternOptions};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::super::{mistakes, parse_whole};

const TIME: Duration = Duration::from_secs(20);
const LEAST: u32 = 1_000;
const NAMES: [&str; 4] = ["a", "b", "ab", "c/~"];
/// Against each schema.
const VALUES: usize = 24;

fn leaf() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(-2),
        json!(3),
        json!(0.3),
        json!(19.99),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("é1"),
        json!("a 7"),
    ])
}

fn name() -> impl Strategy<Value = String> {
    select(&NAMES[..]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn of_numbers() -> impl Strategy<Value = (&'static str, Value)> {
    let limits = select(vec![json!(0), json!(1), json!(0.3), json!(3), json!(100)]);
    let bounds = select(vec![
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
    ]);
    let steps = select(vec![
        json!(0.1),
        json!(0.01),
        json!(2),
        json!(1.5),
        json!(1e-300),
    ]);
    prop_oneof![
        (bounds, limits),
        steps.prop_map(|step| ("multipleOf", step))
    ]
}

fn of_sizes() -> impl Strategy<Value = (&'static str, Value)> {
    let sizes = select(vec![
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
    ]);
    let counts = select(vec![json!(0), json!(1), json!(2.0), json!(3)]);
    (sizes, counts)
}

fn of_words() -> impl Strategy<Value = (&'static str, Value)> {
    let types = select(vec![
        json!("integer"),
        json!("number"),
        json!("string"),
        json!("array"),
        json!("object"),
        json!(["null", "boolean"]),
        json!(["integer", "array", "object"]),
    ]);
    let patterns = select(vec![
        "^a", "\\d", "^\\S*$", "^.{2}$", "\\w\\s", "[é\\d]", "\\p{L}",
    ]);
    let references = select(vec![
        "#/$defs/word",
        "#named",
        "#/$defs/more~1%25",
        "#/$defs/list",
    ]);
    prop_oneof![
        types.prop_map(|types| ("type", types)),
        patterns.prop_map(|pattern| ("pattern", json!(pattern))),
        value().prop_map(|value| ("const", value)),
        vec(value(), 1..4).prop_map(|values| ("enum", json!(values))),
        any::<bool>().prop_map(|unique| ("uniqueItems", json!(unique))),
        vec(name(), 0..3).prop_map(|names| ("required", once_each(names))),
        (name(), vec(name(), 0..3))
            .prop_map(|(by, names)| ("dependentRequired", json!({by: once_each(names)}))),
        references.prop_map(|reference| ("$ref", json!(reference))),
        select(vec!["#named", "#/$defs/word"]).prop_map(|name| ("$dynamicRef", json!(name))),
    ]
}

fn once_each(mut names: Vec<String>) -> Value {
    names.sort();
    names.dedup();
    json!(names)
}

fn of_schemas(
    inner: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let alone = select(vec![
        "not",
        "additionalProperties",
        "propertyNames",
        "items",
        "unevaluatedItems",
        "unevaluatedProperties",
        "if",
        "then",
        "else",
    ]);
    let lists = select(vec!["allOf", "anyOf", "oneOf", "prefixItems"]);
    let by_names = select(vec!["properties", "dependentSchemas"]);
    let like = select(vec!["^a", "b$", "/"]);
    let one = |(name, value)| vec![(name, value)];
    prop_oneof![
        3 => (alone, inner.clone()).prop_map(one),
        2 => (lists, vec(inner.clone(), 1..4).prop_map(Value::from)).prop_map(one),
        2 => (by_names, vec((name(), inner.clone()), 0..4).prop_map(|members| {
            Value::Object(members.into_iter().collect())
        })).prop_map(one),
        1 => (like, inner.clone())
            .prop_map(|(like, schema)| vec![("patternProperties", json!({like: schema}))]),
        1 => (inner.clone(), 0..3_u8, 0..3_u8).prop_map(|(schema, least, most)| {
            vec![("contains", schema), ("minContains", json!(least)), ("maxContains", json!(most))]
        }),
        1 => inner.clone().prop_map(|schema| vec![("contains", schema)]),
        1 => (inner.clone(), inner.clone(), inner)
            .prop_map(|(of, then, other)| vec![("if", of), ("then", then), ("else", other)]),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        8 => vec(prop_oneof![of_numbers(), of_sizes(), of_words()], 0..3).prop_map(object),
        1 => any::<bool>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let simple = prop_oneof![of_numbers(), of_sizes(), of_words()];
        (vec(of_schemas(inner), 1..4), vec(simple, 0..2))
            .prop_map(|(within, simple)| object(within.into_iter().flatten().chain(simple)))
    })
}

fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let members = members.into_iter();
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Value::Object(members.collect::<Map<_, _>>())
}

fn whole(of_value: &Value) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object", "properties": {"value": of_value}, "required": ["value"],
        "$defs": {
            "word": {"type": "string", "minLength": 1},
            "name": {"$anchor": "named", "anyOf": [{"type": "integer"}, {"required": ["a"], "properties": {"a": true}}]},
            "more/%": {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#/$defs/word"}}},
            "list": {"prefixItems": [{"$ref": "#/$defs/word"}], "items": {"$ref": "#/$defs/list"}},
        },
    })
}

#[test]
#[expect(clippy::print_stdout, reason = "how many there were")]
fn what_fits_is_what_the_library_says_fits() {
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::default()
    });
    let (began, mut pairs, mut fit, mut schemas) = (Instant::now(), 0_u32, 0_u32, 0_u32);
    while began.elapsed() < TIME && pairs < 20 * LEAST {
        let cases = (schema(), vec(value(), VALUES));
        let (of_value, values) = cases.new_tree(&mut runner).unwrap().current();
        let tree = whole(&of_value);
        let library = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex())
            .build(&tree)
            .unwrap();
        let text = format!("{{workflow: w, steps: [{{wait: 1s}}], inputs: {tree}}}");
        let told = mistakes(&text);
        if told.contains("leads to itself") {
            continue;
        }
        assert_eq!(told, "", "{tree}");
        let workflow = parse_whole(&text);
        schemas += 1;
        for value in values {
            let whole = json!({"value": value});
            let said = workflow.check_input(&whole.to_string());
            assert_eq!(
                said.is_ok(),
                library.is_valid(&whole),
                "{tree} {value} {said:?}"
            );
            pairs += 1;
            fit += u32::from(said.is_ok());
        }
    }
    println!("{pairs} values against {schemas} schemas, {fit} fit");
    assert!(
        pairs >= LEAST && fit > LEAST / 10,
        "{pairs} values, {fit} fit"
    );
}
