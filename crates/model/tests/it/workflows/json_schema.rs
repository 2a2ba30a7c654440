//! Inputs and forms that are a JSON Schema: what is read, told and refused.

mod mistakes;
mod oracle;
mod rules;

use model::Workflow;
use model::workflow::Action;
use serde_json::{Value, json};
use wire::Fault;

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
    lines(workflow().check_input(text))
}

/// What is wrong, a line each.
fn lines(said: Result<String, Vec<Fault>>) -> String {
    let faults = said.err().unwrap_or_default();
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
