//! Inputs and forms that are a JSON Schema: what is read, told and refused.

use model::Workflow;
use model::workflow::Action;
use serde_json::{Value, json};

use super::{mistakes, parse_whole};

const CONTACT: &str = r##"workflow: contact
inputs:
  $schema: https://json-schema.org/draft/2020-12/schema
  type: object
  required: [name, note]
  properties:
    name: { type: string, minLength: 2, x-mcp-header: Name }
    note: { type: [string, "null"] }
    contactMethod: { enum: [phone, email] }
    phone: { type: string, pattern: "^[0-9]+$" }
    address: { $ref: "#a" }
    seats: { type: integer, minimum: 1, default: 2 }
    tags: { type: array, uniqueItems: true, items: { anyOf: [{ type: integer }, { const: "{{ x }}" }] } }
    gone: false
  if: { properties: { contactMethod: { const: phone } }, required: [contactMethod] }
  then: { required: [phone] }
  else: { not: { required: [phone] } }
  $defs: { address: { $anchor: a, type: object, additionalProperties: false, properties: { street: { type: string }, next: { $ref: "#a" } } } }
steps:
  - { node: log, with: { message: "{{ inputs.address.street }} {{ inputs.contactMethod }}" } }
  - id: asked
    approve:
      message: How much?
      form: { $schema: "https://json-schema.org/draft/2020-12/schema", type: object, properties: { price: { type: number } } }
outputs: "{{ asked.form.price }}"
"##;

fn workflow() -> Workflow {
    parse_whole(CONTACT)
}

#[test]
fn what_fits_is_filled_in_and_fits_again() {
    let workflow = workflow();
    for (given, expected) in [
        (
            json!({"name": "Ida", "note": null}),
            json!({"name": "Ida", "note": null, "contactMethod": null, "phone": null, "address": null, "seats": 2, "tags": null, "gone": null}),
        ),
        (
            json!({"name": "Ida", "note": "x", "contactMethod": "phone", "phone": "1", "address": {"street": "a", "next": {}}, "seats": 3.0, "tags": [1, "{{ x }}"], "gone": null}),
            json!({"name": "Ida", "note": "x", "contactMethod": "phone", "phone": "1", "address": {"street": "a", "next": {}}, "seats": 3.0, "tags": [1, "{{ x }}"], "gone": null}),
        ),
    ] {
        let filled = workflow.check_input(&given.to_string()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&filled).unwrap(), expected);
        // As a replay does.
        assert_eq!(workflow.check_input(&filled), Ok(filled));
    }
}

fn told(text: &str) -> String {
    let faults = workflow().check_input(text).err().unwrap_or_default();
    let lines = faults
        .into_iter()
        .map(|fault| format!("{} {} {}", fault.pointer, fault.code, fault.detail));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn all_that_does_not_fit_is_told_where_it_stands() {
    let with =
        |name: &str, value: &str| format!(r#"{{"name": "Ida", "note": "", "{name}": {value}}}"#);
    for (given, expected) in [
        (
            r#"{"note": null}"#.to_owned(),
            "/name required name must be given",
        ),
        (
            r#"{"name": "Ida"}"#.to_owned(),
            "/note required note must be given",
        ),
        (
            with("contactMetod", "1"),
            "/contactMetod unknown_field contact has no input `contactMetod`; did you mean `contactMethod`?",
        ),
        (
            with("fax", "1, \"seats\": 0"),
            "/fax unknown_field contact has no input `fax`\n/seats out_of_range `seats` is less than the minimum of 1",
        ),
        (
            with("contactMethod", "\"phone\""),
            "/phone required phone must be given",
        ),
        (
            with("contactMethod", "\"fax\""),
            r#"/contactMethod not_in_enum `contactMethod` is none of "phone", "email""#,
        ),
        (
            with("seats", "0"),
            "/seats out_of_range `seats` is less than the minimum of 1",
        ),
        (
            with("seats", "\"x\""),
            r#"/seats wrong_type `seats` is not of type "integer""#,
        ),
        (
            with("seats", "1e400"),
            " invalid_value number out of range at line 1 column 482",
        ),
        (
            with("address", r#"{"street": 1, "x~/": 2, "y": 3}"#),
            "/address/y unknown_field `address` has no `y`\n/address/x~0~1 unknown_field `address` has no `x~/`\n\
             /address/street wrong_type `street` is not of type \"string\"",
        ),
        (
            with("tags", "[1, \"a\", 1]"),
            "/tags invalid_value `tags` has an item twice\n\
             /tags/1 invalid_value `tags/1` is none of what it may be: `tags/1` is not of type \"integer\"; or `tags/1` is not \"{{ x }}\"",
        ),
        (
            with("gone", "1"),
            "/gone invalid_value `gone` must not be given",
        ),
    ] {
        assert_eq!(told(&given), expected, "{given}");
    }
}

#[test]
fn mistakes_of_a_large_value_are_bounded() {
    let tags = |count: usize| {
        format!(
            r#"{{"name": "Ida", "note": "", "tags": [{}0]}}"#,
            "0.5,".repeat(count)
        )
    };
    assert_eq!(told(&tags(1000)).lines().count(), 100);
    assert_eq!(told(&tags(100_000)).lines().count(), 100);
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

#[test]
fn values_that_nest_deep_are_refused() {
    let nested = |depth: usize| {
        let deep = format!("{}1{}", r#"{"next":"#.repeat(depth), "}".repeat(depth));
        told(&format!(
            r#"{{"name": "Ida", "note": "", "address": {deep}}}"#
        ))
    };
    assert!(
        nested(50).starts_with("/address/next/next"),
        "{}",
        nested(50)
    );
    assert!(!nested(100_000).is_empty());
}

#[test]
fn the_schema_is_told_word_for_word() {
    let schema = workflow().input_schema();
    let keys: Vec<_> = schema.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "$schema",
            "type",
            "required",
            "properties",
            "if",
            "then",
            "else",
            "$defs"
        ]
    );
    assert_eq!(schema["properties"]["name"]["x-mcp-header"], "Name");
    assert_eq!(schema["$defs"]["address"]["$anchor"], "a");
    let steps = workflow().steps;
    let Action::Approve { form, .. } = &steps[1].action else {
        panic!("{steps:?}")
    };
    assert_eq!(
        form.schema()["properties"],
        json!({"price": {"type": "number"}})
    );
    let wrong = form.check(("the form", "field"), r#"{"price": "x"}"#);
    assert_eq!(wrong.unwrap_err()[0].pointer, "/price");
}

/// What is said of `{"a": …}`.
fn told_of(schema: &Value, defs: &Value, value: &str) -> String {
    let text = json!({
        "workflow": "w", "steps": [{"wait": "1s"}],
        "inputs": {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "properties": {"a": schema}, "$defs": defs,
        },
    });
    let said = parse_whole(&text.to_string()).check_input(&format!(r#"{{"a": {value}}}"#));
    let faults = said.err().unwrap_or_default();
    let lines = faults
        .into_iter()
        .map(|fault| format!("{} {} {}", fault.pointer, fault.code, fault.detail));
    lines.collect::<Vec<_>>().join("\n")
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

/// Mistakes of a workflow whose inputs are that.
fn wrong(inputs: &str) -> String {
    mistakes(&format!(
        "workflow: w\ninputs: {{ {inputs} }}\nsteps: [{{ wait: 1s }}]\n"
    ))
}

#[test]
fn what_is_no_schema_is_told_where_it_stands() {
    const DIALECT: &str = "$schema: \"https://json-schema.org/draft/2020-12/schema\", type: object";
    for (rest, expected) in [
        (
            "properties: { a: { type: strin } }",
            "type: `type` is one of array, boolean, integer, null, number, object, string, or a list of such",
        ),
        (
            "properties: { a: { minLength: -1 }, b: { required: x } }",
            "minLength: `minLength` is a whole number, 0 or more\nrequired: `required` is a list of names",
        ),
        (
            "properties: { a: { pattern: \"(\" } }",
            "pattern: `pattern` is no pattern of linear time: no look-around, no back-references, not too large",
        ),
        (
            "properties: { a: { pattern: \"(?=x)y\" } }",
            "pattern: `pattern` is no pattern of linear time: no look-around, no back-references, not too large",
        ),
        (
            "properties: { a: { pattern: \"(a)\\\\1\" } }",
            "pattern: `pattern` is no pattern of linear time: no look-around, no back-references, not too large",
        ),
        (
            "properties: { a: { pattern: \"(a{1000}){1000}\" } }",
            "pattern: `pattern` is no pattern of linear time: no look-around, no back-references, not too large",
        ),
        (
            "properties: { a: { $ref: \"https://example.com/a\" } }",
            "$ref: a schema refers to itself only, as in #/$defs/…, not to `https://example.com/a`",
        ),
        (
            "properties: { a: { $ref: \"other.json#/a\" } }",
            "$ref: a schema refers to itself only, as in #/$defs/…, not to `other.json#/a`",
        ),
        (
            "properties: { a: { $ref: \"#/$defs/b\" } }, $defs: { a: { $ref: \"#/$defs/c\" } }",
            "$ref: the schema has no `#/$defs/b`\n$ref: the schema has no `#/$defs/c`",
        ),
        (
            "properties: { a: { $ref: \"#b\" } }",
            "$ref: the schema has no `#b`",
        ),
        (
            "properties: { \"a-b\": {}, 1a: {} }",
            "\"a-b\": an input's name is letters, digits and _, as in contactMethod, not `a-b`\n1a: an input's name is letters, digits and _, as in contactMethod, not `1a`",
        ),
        (
            "properties: { name: {} }, required: [nam]",
            "nam: there is no property `nam` (did you mean `name`?)",
        ),
        (
            "properties: { a: { type: integer, default: x } }",
            "x: the default does not fit: `a` is not of type \"integer\"",
        ),
        (
            "required: [a]",
            "\"https://json-schema.org/draft/2020-12/schema\": the schema has no properties (write properties: { name: { type: string } })",
        ),
        (
            "properties: [a]",
            "[: the schema has no properties (write properties: { name: { type: string } })",
        ),
        (
            "properties: { a: { const: 1e999 } }",
            "\"https://json-schema.org/draft/2020-12/schema\": the schema is no JSON: number out of range at line 1 column 106",
        ),
        (
            "properties: { a: { default: null, $ref: \"#/$defs/b\" } }, $defs: { b: { type: object, properties: { b: { $ref: \"#/$defs/b\" } } } }",
            "",
        ),
    ] {
        assert_eq!(wrong(&format!("{DIALECT}, {rest}")), expected, "{rest}");
    }
    for (inputs, expected) in [
        (
            "$schema: \"http://json-schema.org/draft-07/schema#\", type: object, properties: {}",
            "\"http://json-schema.org/draft-07/schema#\": `$schema` is the dialect of 2020-12 (write $schema: https://json-schema.org/draft/2020-12/schema)",
        ),
        (
            "$schema: \"https://json-schema.org/draft/2020-12/schema\", properties: { a: {} }",
            "\"https://json-schema.org/draft/2020-12/schema\": the schema is of an object (write type: object)",
        ),
        (
            "$schema: \"https://json-schema.org/draft/2020-12/schema\", type: [object], properties: { a: {} }",
            "[: the schema is of an object (write type: object)",
        ),
    ] {
        assert_eq!(wrong(inputs), expected, "{inputs}");
    }
    let long = format!(
        "{DIALECT}, properties: {{ a: {{ const: {} }} }}",
        "x".repeat(70_000)
    );
    assert!(wrong(&long).contains("the schema has more than 64 KiB"));
}

/// Matching it panics in regex-automata (rust-lang/regex 1344), which would end a process.
#[test]
fn a_pattern_of_great_size_is_a_mistake() {
    let found = wrong(
        "$schema: \"https://json-schema.org/draft/2020-12/schema\", type: object, \
         properties: { a: { type: string, pattern: \"^x?.{0,404600}$\" } }",
    );
    assert!(found.contains("pattern"), "{found}");
}

#[test]
fn what_starts_it_gives_what_the_schema_takes() {
    let text = CONTACT.to_owned()
        + "triggers:\n- { cron: '@daily', with: { name: 7, note: null, seats: 0, phone: '{{ time }}', nam: x } }\n";
    assert_eq!(
        mistakes(&text),
        "7: `name` is not of type \"string\"\n0: `seats` is less than the minimum of 1\n\
         nam: this workflow has no input `nam` (did you mean `name`?)"
    );
}

#[test]
fn a_schema_that_goes_in_a_circle_is_a_mistake() {
    for circle in [
        "$defs: { a: { $ref: '#/$defs/a' } }",
        "$defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { anyOf: [{ $ref: '#/$defs/a' }] } }",
        "$defs: { a: { not: { $ref: '#/$defs/a' } } }",
        "$defs: { a: { if: { $ref: '#/$defs/a' }, then: false } }",
        "$defs: { a: { dependentSchemas: { a: { $ref: '#/$defs/a' } } } }",
        "$defs: { a: { $dynamicAnchor: x, $dynamicRef: '#x' } }",
    ] {
        let found = wrong(&format!(
            "$schema: \"https://json-schema.org/draft/2020-12/schema\", type: object, \
             properties: {{ a: {{ $ref: '#/$defs/a' }} }}, {circle}"
        ));
        let why = "the schema leads to itself before it asks anything of a value";
        assert!(found.ends_with(why), "{circle}: {found}");
    }
}
