//! Inputs and forms that are a JSON Schema, as agents and the people they ask see them.

use serde_json::{Value, json};

use super::{ask, call, message_with};
use crate::world::{World, everywhere};

const INVITE: &str = r##"
workflow: invite
inputs:
  $schema: https://json-schema.org/draft/2020-12/schema
  type: object
  required: [region]
  properties:
    region: { type: string, x-mcp-header: Region }
    contactMethod: { enum: [phone, email] }
    phone: { $ref: "#/$defs/number" }
  if: { properties: { contactMethod: { const: phone } }, required: [contactMethod] }
  then: { required: [phone] }
  $defs: { number: { $anchor: number, type: string, pattern: "^[0-9]+$" } }
  additionalProperties: false
steps:
  - { id: film, node: Film.create, with: { title: '{{ inputs.region }}' } }
outputs: '{{ inputs.phone }}'
"##;
const SEAT: &str = "
workflow: seat
steps:
  - id: seat
    approve:
      message: Where?
      form:
        $schema: https://json-schema.org/draft/2020-12/schema
        type: object
        required: [row, meals]
        properties:
          row: { type: string, oneOf: [{ const: a, title: In front }, { const: z, title: At the back }] }
          meals: { type: array, items: { anyOf: [{ const: v, title: Vegan }, { const: w }] }, minItems: 1 }
          old: { type: string, enum: [x, y], enumNames: [Ex, Why] }
          sides: { type: array, items: { type: string, enum: [l, r] } }
          more: { type: object }
outputs: '{{ seat.form }}'
";

async fn invite(world: &World, arguments: Value, region: Option<&str>) -> Value {
    let params = json!({"name": "invite", "arguments": arguments});
    let headers: Vec<_> = region
        .map(|region| ("mcp-param-region", region))
        .into_iter()
        .collect();
    let asked = (params, json!({}));
    message_with(world, &world.admin, "tools/call", asked, &headers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_told_word_for_word_and_kept_to() {
    everywhere(&[INVITE], async |world| {
        let listed = ask(world, "tools/list", json!({}), json!({})).await;
        let mut tools = listed["tools"].as_array().unwrap().iter();
        let tool = tools.find(|tool| tool["name"] == "invite").unwrap();
        let mut schema = tool["inputSchema"].clone();
        let properties = schema["properties"].as_object_mut().unwrap();
        // Of the face.
        assert!(properties.remove("idempotency_key").is_some());
        assert!(properties.remove("session").is_some());
        let expected = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["region"],
            "properties": {
                "region": {"type": "string", "x-mcp-header": "Region"}, "contactMethod": {"enum": ["phone", "email"]},
                "phone": {"$ref": "#/$defs/number"},
            },
            "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
            "then": {"required": ["phone"]},
            "$defs": {"number": {"$anchor": "number", "type": "string", "pattern": "^[0-9]+$"}},
            "additionalProperties": false,
        });
        assert_eq!(schema, expected);
        let page = world.get("/openapi.json").await;
        let start = &page["paths"]["/nexus/v1/workflows/invite/runs"]["post"];
        let body = &start["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["$id"], "urn:gantry:workflow.invite", "{start}");
        assert_eq!(body["$defs"], expected["$defs"]);

        for (arguments, pointer) in [
            (json!({"region": "eu", "contactMethod": "phone"}), "/phone"),
            (json!({"region": "eu", "phone": "x"}), "/phone"),
            (json!({"region": "eu", "contactMethod": 1}), "/contactMethod"),
            (json!({"region": "eu", "fax": "1"}), "/fax"),
        ] {
            let told = invite(world, arguments.clone(), Some("eu")).await;
            let problem = &told["result"]["structuredContent"]["problem"];
            assert_eq!(problem["code"], "invalid_input", "{told}");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{told}");
            let told = world.post("/workflows/invite/runs", arguments).await;
            assert_eq!(told.problem(), (422, "invalid_input".to_owned()));
            assert_eq!(told.json()["errors"][0]["pointer"], pointer);
        }
        assert_eq!(world.get("/runs?limit=10").await, json!([]));
        let given = json!({"region": "eu", "contactMethod": "phone", "phone": "7", "idempotency_key": "one"});
        let told = invite(world, given, Some("eu")).await;
        assert_eq!(told["result"]["structuredContent"]["output"], "7", "{told}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_not_the_argument_is_refused() {
    everywhere(&[INVITE], async |world| {
        // The first call of all, before anybody was shown the tool.
        for region in [Some("us"), None] {
            let told = invite(world, json!({"region": "eu"}), region).await;
            assert_eq!(told["error"]["code"], -32020, "{told}");
        }
        assert_eq!(world.get("/runs?limit=10").await, json!([]));
        let told = invite(world, json!({"region": "eu"}), Some("eu")).await;
        assert_eq!(
            told["result"]["structuredContent"]["state"], "succeeded",
            "{told}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_shown_titles() {
    everywhere(&[SEAT], async |world| {
        let can = json!({"elicitation": {}});
        let asked = call(world, "seat", json!({}), can.clone()).await;
        let form = &asked["inputRequests"]["seat"]["params"]["requestedSchema"];
        let expected = json!({
            "row": {"type": "string", "oneOf": [{"const": "a", "title": "In front"}, {"const": "z", "title": "At the back"}]},
            "meals": {"type": "array", "minItems": 1, "items": {"anyOf": [{"const": "v", "title": "Vegan"}, {"const": "w", "title": "w"}]}},
            "old": {"type": "string", "enum": ["x", "y"], "enumNames": ["Ex", "Why"]},
            "sides": {"type": "array", "items": {"type": "string", "enum": ["l", "r"]}},
        });
        assert_eq!(form["properties"], expected, "{asked}");
        assert_eq!(form["required"], json!(["row", "meals"]));
        let state = &asked["requestState"];
        let answer = async |content: Value| {
            let responses = json!({"seat": {"action": "accept", "content": content}});
            let params = json!({
                "name": "seat", "arguments": {}, "requestState": state, "inputResponses": responses,
            });
            ask(world, "tools/call", params, can.clone()).await
        };
        let told = answer(json!({"row": "b", "meals": ["v"]})).await;
        let problem = &told["structuredContent"]["problem"];
        assert_eq!(problem["errors"][0]["pointer"], "/form/row", "{told}");
        let told = answer(json!({"row": "z", "meals": ["v", "w"]})).await;
        let filled = json!({"row": "z", "meals": ["v", "w"], "old": null, "sides": null, "more": null});
        assert_eq!(told["structuredContent"]["output"], filled, "{told}");
    })
    .await;
}
