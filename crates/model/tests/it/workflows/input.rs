//! What a workflow is started with.

use model::Workflow;
use serde_json::{Value, json};

use super::parse_whole;

fn workflow() -> Workflow {
    parse_whole(
        "workflow: rate\n\
         inputs:\n\
         \x20 film: { type: uuid, required: true, about: Which. }\n\
         \x20 rating: { type: decimal, min: 0, max: 10, default: \"7.50\" }\n\
         \x20 votes: { type: int }\n\
         \x20 tags: { type: text, array: true, max: 2 }\n\
         triggers:\n\
         - { cron: '0 3 * * *', with: { film: 018f3c2e-7b1a-7c3d-9e4f-5a6b7c8d9e0f, tags: [\"{{ time }}\"] } }\n\
         - { webhook: rated, secret: shop }\n\
         - { change: Film, with: { film: \"{{ record.id }}\", tags: [\"{{ op }}\"] } }\n\
         steps: [{ wait: 1s }]\n",
    )
}

const FILM: &str = "018f3c2e-7b1a-7c3d-9e4f-5a6b7c8d9e0f";

#[test]
fn every_input_is_there_with_all_its_digits() {
    let workflow = workflow();
    for (given, expected) in [
        (
            format!(r#"{{"film": "{FILM}"}}"#),
            format!(r#"{{"film":"{FILM}","rating":"7.50","votes":null,"tags":null}}"#),
        ),
        (
            format!(
                r#"{{"votes": 9223372036854775807, "rating": 1.10, "film": "{FILM}", "tags": ["ü", "\n"]}}"#
            ),
            format!(
                r#"{{"film":"{FILM}","rating":"1.10","votes":9223372036854775807,"tags":["ü","\n"]}}"#
            ),
        ),
        (
            format!(r#"{{"film": "{FILM}", "rating": null}}"#),
            format!(r#"{{"film":"{FILM}","rating":null,"votes":null,"tags":null}}"#),
        ),
    ] {
        assert_eq!(workflow.check_input(&given), Ok(expected), "{given}");
    }
}

#[test]
fn all_that_is_wrong_with_an_input_is_told() {
    let workflow = workflow();
    let told = |text: &str| {
        let faults = workflow.check_input(text).err().unwrap_or_default();
        faults
            .into_iter()
            .map(|fault| (fault.pointer, fault.code))
            .collect::<Vec<_>>()
    };
    let own = |faults: &[(&str, &str)]| {
        faults
            .iter()
            .map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(""), own(&[("/film", "required")]));
    assert_eq!(told("[]"), own(&[("", "wrong_type")]));
    assert_eq!(told("{\"film\": 1"), own(&[("", "wrong_type")]));
    let many = r#"{"flim": 1, "film": "x", "rating": 11, "votes": 1.5, "tags": ["a", "b", "c"]}"#;
    let expected = [
        ("/flim", "unknown_field"),
        ("/film", "invalid_value"),
        ("/rating", "out_of_range"),
        ("/votes", "invalid_value"),
        ("/tags", "too_long"),
    ];
    assert_eq!(told(many), own(&expected));
}

#[test]
fn the_schema_of_inputs_says_what_is_read() {
    let schema = workflow().input_schema();
    assert_eq!(schema["required"], json!(["film"]));
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(schema["properties"]["film"]["description"], json!("Which."));
    assert_eq!(schema["properties"]["rating"]["default"], json!("7.50"));
}

#[test]
fn triggers_make_inputs() {
    let workflow = workflow();
    let film = json!(FILM);
    let given: [(Value, Value); 3] = [
        (
            json!({"time": "2026-03-28T02:00:00Z"}),
            json!({"film": film, "tags": ["2026-03-28T02:00:00Z"]}),
        ),
        (
            json!({"body": {"film": film, "votes": 3}}),
            json!({"film": film, "votes": 3}),
        ),
        (
            json!({"record": {"id": film}, "op": "create"}),
            json!({"film": film, "tags": ["create"]}),
        ),
    ];
    for (trigger, (given, expected)) in workflow.triggers.iter().zip(given) {
        let input = workflow.triggered(trigger, &given).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&input).unwrap(), expected);
        assert!(workflow.check_input(&input).is_ok(), "{input}");
    }
}
