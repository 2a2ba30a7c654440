//! The schemas that editors use say what the reader takes.

use model::{Field, Kind, Project, SchemaKind, Value, input_schema, schema, value_schema};
use serde_json::json;

use super::projects::folder;

#[test]
fn every_key_of_a_schema_is_one_that_the_reader_knows() {
    for kind in SchemaKind::ALL {
        let schema = schema(kind);
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert_eq!(schema["additionalProperties"], false);
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert!(
                property["description"]
                    .as_str()
                    .is_some_and(|text| text.len() > 10),
                "{name}"
            );
        }
        let example = schema["examples"][0].as_object().unwrap();
        assert!(
            example
                .keys()
                .all(|key| schema["properties"][key].is_object())
        );
    }
}

#[test]
fn the_examples_of_the_schemas_are_a_project() {
    let folder = folder(&[
        ("gantry.yaml", include_str!("../../examples/gantry.yaml")),
        (
            "models/film.yaml",
            include_str!("../../examples/model.yaml"),
        ),
        (
            "models/person.yaml",
            "model: Person\nfields: { name: { type: text, unique: true } }",
        ),
        (
            "workflows/rate.yaml",
            include_str!("../../examples/workflow.yaml"),
        ),
        (
            "groups/research.yaml",
            include_str!("../../examples/group.yaml"),
        ),
        (
            "data/film.seed.yaml",
            include_str!("../../examples/film.seed.yaml"),
        ),
        ("data/films.jsonl", ""),
    ]);
    let project = Project::load(folder.path()).unwrap();
    assert_eq!((project.name.as_str(), project.seeds.len()), ("cinema", 1));
    assert_eq!(project.groups[0].name, "research");
}

#[test]
fn a_values_schema_has_its_bounds_and_null() {
    let text = Field {
        max_len: Some(3),
        ..Field::new("a", Kind::Text)
    };
    assert_eq!(
        value_schema(&text),
        json!({"type": ["string", "null"], "maxLength": 3, "pattern": "^[^\\u0000]*$"})
    );
    let int = Field {
        required: true,
        min: Some(Value::Int(i64::MIN)),
        ..Field::new("a", Kind::Int)
    };
    assert_eq!(
        value_schema(&int),
        json!({"type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX})
    );
    let price = Field {
        required: true,
        min: Some(Value::Decimal("0".parse().unwrap())),
        ..Field::new(
            "a",
            Kind::Decimal {
                precision: Some(5),
                scale: Some(2),
            },
        )
    };
    assert_eq!(
        input_schema(&price)["pattern"],
        "^[0-9]{1,3}(\\.[0-9]{1,2})?$"
    );
    assert_eq!(input_schema(&price)["type"], json!(["string", "number"]));
    let words = Field {
        array: true,
        min_len: Some(1),
        ..Field::new("a", Kind::Enum(vec!["x".to_owned()]))
    };
    assert_eq!(
        value_schema(&words),
        json!({"type": ["array", "null"], "items": {"type": "string", "enum": ["x"]}, "minItems": 1})
    );
    let word = Field::new("a", Kind::Enum(vec!["x".to_owned()]));
    assert_eq!(
        value_schema(&word),
        json!({"type": ["string", "null"], "enum": ["x", null]})
    );
}
