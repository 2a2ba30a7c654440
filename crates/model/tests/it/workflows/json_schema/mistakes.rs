//! What is no schema.

use super::super::mistakes;

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
