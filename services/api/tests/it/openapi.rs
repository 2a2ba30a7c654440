//! The document that describes the face.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::echo::{ask, bytes};

async fn document(request: &str) -> Value {
    serde_json::from_slice(&bytes(ask(request).await).await).unwrap()
}

#[tokio::test]
async fn the_document_has_every_operation_once() {
    let document = document("GET /openapi.json\nauthorization: Bearer good").await;
    let mut lines = Vec::new();
    let mut ids = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            lines.push(format!("{method} {path} {id}"));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    get /api/v1/film Film.list
    post /api/v1/film Film.create
    patch /api/v1/film Film.bulk_update
    delete /api/v1/film Film.bulk_delete
    get /api/v1/film/{id} Film.read
    patch /api/v1/film/{id} Film.update
    put /api/v1/film/{id} Film.replace
    delete /api/v1/film/{id} Film.delete
    post /api/v1/film/{id}:restore Film.restore
    get /api/v1/film:count Film.count
    post /api/v1/film:count Film.count_where
    post /api/v1/film:query Film.query
    post /api/v1/film:search Film.search
    post /api/v1/film:aggregate Film.aggregate
    post /api/v1/film:upsert Film.upsert
    post /api/v1/film:bulk Film.bulk
    get /api/v1/secret/{id} Secret.read
    post /api/v1/tx tx
    get /api/v1/call catalogue
    post /api/v1/call/Film.create call.Film.create
    post /api/v1/call/Film.read call.Film.read
    post /api/v1/call/Film.update call.Film.update
    post /api/v1/call/Film.replace call.Film.replace
    post /api/v1/call/Film.delete call.Film.delete
    post /api/v1/call/Film.restore call.Film.restore
    post /api/v1/call/Film.list call.Film.list
    post /api/v1/call/Film.count call.Film.count
    post /api/v1/call/Film.upsert call.Film.upsert
    post /api/v1/call/Film.aggregate call.Film.aggregate
    post /api/v1/call/Film.search call.Film.search
    post /api/v1/call/Film.bulk_create call.Film.bulk_create
    post /api/v1/call/Film.bulk_update call.Film.bulk_update
    post /api/v1/call/Film.bulk_delete call.Film.bulk_delete
    post /api/v1/call/Film.bulk_upsert call.Film.bulk_upsert
    post /api/v1/call/Film.bulk call.Film.bulk
    post /api/v1/call/Secret.read call.Secret.read
    post /api/v1/call/tx call.tx
    ");
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    fn check(document: &Value, value: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                object.values().for_each(|value| check(document, value));
            }
            Value::Array(values) => values.iter().for_each(|value| check(document, value)),
            _ => {}
        }
    }
    let document = document("GET /openapi.json\nauthorization: Bearer good").await;
    check(&document, &document);
}

#[tokio::test]
async fn the_schemas_of_a_model_are_its_fields() {
    let document = document("GET /openapi.json").await;
    // The node's own input.
    assert_eq!(
        document["components"]["schemas"]["Film.create"],
        json!({"type": "object"})
    );
    insta::assert_json_snapshot!(document["paths"]["/api/v1/film/{id}"]["get"], @r##"
    {
      "operationId": "Film.read",
      "tags": [
        "Film"
      ],
      "summary": "Read a Film",
      "description": "About Film.read",
      "parameters": [
        {
          "$ref": "#/components/parameters/id"
        },
        {
          "$ref": "#/components/parameters/if_none_match"
        },
        {
          "name": "select",
          "in": "query",
          "required": false,
          "schema": {
            "type": "string",
            "pattern": "^()(,())*$"
          },
          "description": "Which fields, each once: `a,rel(b,c)`, one level of refs, `rel(*)` for all"
        },
        {
          "name": "deleted",
          "in": "query",
          "required": false,
          "schema": {
            "type": "string",
            "enum": [
              "exclude",
              "include",
              "only"
            ]
          },
          "description": "Soft-deleted records"
        }
      ],
      "responses": {
        "200": {
          "description": "The record",
          "headers": {
            "ETag": {
              "$ref": "#/components/headers/ETag"
            },
            "Preference-Applied": {
              "$ref": "#/components/headers/Preference-Applied"
            }
          },
          "content": {
            "application/json": {
              "schema": {
                "$ref": "#/components/schemas/Film"
              }
            }
          }
        },
        "304": {
          "description": "The version that is known already"
        },
        "400": {
          "$ref": "#/components/responses/BadRequest"
        },
        "401": {
          "$ref": "#/components/responses/Unauthenticated"
        },
        "403": {
          "$ref": "#/components/responses/Forbidden"
        },
        "404": {
          "$ref": "#/components/responses/NotFound"
        },
        "406": {
          "$ref": "#/components/responses/NotAcceptable"
        },
        "default": {
          "$ref": "#/components/responses/Problem"
        }
      },
      "x-gantry-node": "Film.read"
    }
    "##);
    assert!(document["components"]["schemas"].get("Secret").is_none());
}

#[tokio::test]
async fn the_document_that_is_known_is_not_sent_again() {
    let response = ask("GET /openapi.json\nif-none-match: \"anonymous-anonymous\"").await;
    assert_eq!(response.status(), 304);
}
