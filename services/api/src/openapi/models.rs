//! The operations of one model.

use serde_json::{Map, Value, json};
use wire::{Catalogue, ModelInfo, NodeName};

use super::parameters::{header, parameter, with_problems};
use super::schemas::{own, reference};

const RECORD: [&str; 2] = ["ETag", "Preference-Applied"];
const LIST: [&str; 4] = ["Content-Range", "Link", "Next-Cursor", "Preference-Applied"];
const READ_PROBLEMS: [&str; 5] = ["400", "401", "403", "404", "406"];
const WRITE_PROBLEMS: [&str; 10] = [
    "400", "401", "403", "404", "409", "412", "413", "415", "422", "428",
];
const FILTERED: [&str; 4] = ["or", "and", "deleted", "prefer_read"];

pub(super) fn paths(catalogue: &Catalogue, model: &ModelInfo) -> Map<String, Value> {
    let mut paths = Map::new();
    let of = Operations { catalogue, model };
    let base = format!("/api/v1/{}", model.path);
    let mut put = |path: String, operations: Vec<Option<(&str, Value)>>| {
        let operations: Map<_, _> = operations
            .into_iter()
            .flatten()
            .map(|(method, operation)| (method.to_owned(), operation))
            .collect();
        if !operations.is_empty() {
            paths.insert(path, Value::Object(operations));
        }
    };
    put(
        base.clone(),
        vec![of.list(), of.create(), of.bulk_update(), of.bulk_delete()],
    );
    put(
        format!("{base}/{{id}}"),
        vec![of.read(), of.update(), of.replace(), of.delete()],
    );
    if model.soft_delete {
        put(format!("{base}/{{id}}:restore"), vec![of.restore()]);
    }
    put(format!("{base}:count"), vec![of.count(), of.count_where()]);
    put(format!("{base}:query"), vec![of.query()]);
    put(
        format!("{base}:search"),
        vec![of.custom(
            "search",
            "Search",
            &json!({ "type": "array", "items": reference(&model.name) }),
            true,
        )],
    );
    put(
        format!("{base}:aggregate"),
        vec![of.custom(
            "aggregate",
            "Aggregate",
            &json!({ "type": "array", "items": { "type": "object" } }),
            true,
        )],
    );
    put(format!("{base}:upsert"), vec![of.upsert()]);
    put(
        format!("{base}:bulk"),
        vec![of.custom("bulk", "Several changes of", &reference("Results"), false)],
    );
    paths
}

struct Operations<'a> {
    catalogue: &'a Catalogue,
    model: &'a ModelInfo,
}

type Operation = Option<(&'static str, Value)>;

/// A body of JSON, required.
fn body(schema: &Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

fn answered(about: &str, headers: &[&str], schema: &Value) -> Value {
    json!({ "description": about, "headers": header(headers), "content": { "application/json": { "schema": schema } } })
}

impl Operations<'_> {
    fn name(&self) -> &str {
        &self.model.name
    }

    /// The operation's frame, where the caller may see its node. The id must be unique in the document.
    fn of(
        &self,
        verb: &str,
        id: &str,
        summary: &str,
        parameters: &[&str],
        responses: Value,
        problems: &[&str],
    ) -> Option<Value> {
        let node = self
            .catalogue
            .node(&NodeName::of_model(self.name(), verb))?;
        let parameters: Vec<_> = parameters.iter().map(|name| parameter(name)).collect();
        Some(json!({
            "operationId": format!("{}.{id}", self.name()),
            "tags": [self.name()],
            "summary": summary,
            "description": node.about,
            "parameters": parameters,
            "responses": with_problems(responses, problems),
            "x-gantry-node": node.name,
        }))
    }

    /// A filter of each field that can stand in a query: `column=operator.value`.
    fn filters(&self) -> Vec<Value> {
        let comparable = self
            .model
            .fields
            .iter()
            .filter(|field| !matches!(field.kind.as_str(), "json" | "bytes" | "vector"));
        comparable
            .map(|field| {
                let operators = if field.array { "cs cd ov is" } else { "eq neq lt lte gt gte in like ilike is" };
                json!({
                    "name": field.name,
                    "in": "query",
                    "required": false,
                    "schema": { "type": "string" },
                    "description": format!("`operator.value`, with `not.` before it to negate: {operators}"),
                })
            })
            .collect()
    }

    fn filtered(&self, operation: Option<Value>) -> Option<Value> {
        let mut operation = operation?;
        if let Some(Value::Array(parameters)) = operation.get_mut("parameters") {
            parameters.extend(self.filters());
        }
        Some(operation)
    }

    fn records(&self) -> Value {
        let schema = json!({ "type": "array", "items": reference(self.name()) });
        json!({
            "description": "Records, a page of them",
            "headers": header(&LIST),
            "content": {
                "application/json": { "schema": schema },
                "application/x-ndjson": { "schema": { "type": "string" } },
                "text/csv": { "schema": { "type": "string" } },
            },
        })
    }

    fn list(&self) -> Operation {
        let parameters = [
            "select",
            "order",
            "limit",
            "cursor",
            "offset",
            "or",
            "and",
            "deleted",
            "prefer_read",
        ];
        let operation = self.of(
            "list",
            "list",
            &format!("List {}", self.name()),
            &parameters,
            json!({ "200": self.records() }),
            &READ_PROBLEMS,
        );
        Some(("get", self.filtered(operation)?))
    }

    fn query(&self) -> Operation {
        let input = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "where": reference("Where"),
                "order": { "type": "array", "items": { "type": "string" } },
                "select": { "type": "array", "items": { "type": "string" } },
                "limit": { "anyOf": [{ "type": "integer", "minimum": 0 }, { "const": "all" }] },
                "cursor": { "type": "string" },
                "offset": { "type": "integer", "minimum": 0 },
                "deleted": { "type": "string", "enum": ["include", "only"] },
            },
        });
        let summary = format!("List {}, asked in JSON", self.name());
        let mut operation = self.of(
            "list",
            "query",
            &summary,
            &["prefer_read"],
            json!({ "200": self.records() }),
            &READ_PROBLEMS,
        )?;
        operation["requestBody"] = body(&input);
        Some(("post", operation))
    }

    fn read(&self) -> Operation {
        let ok = answered("The record", &RECORD, &reference(self.name()));
        let responses =
            json!({ "200": ok, "304": { "description": "The version that is known already" } });
        let parameters = ["id", "select", "deleted", "if_none_match"];
        Some((
            "get",
            self.of(
                "read",
                "read",
                &format!("Read a {}", self.name()),
                &parameters,
                responses,
                &READ_PROBLEMS,
            )?,
        ))
    }

    fn create(&self) -> Operation {
        let name = self.name();
        let created = answered(
            "The new record; for several, their results",
            &[
                "ETag",
                "Location",
                "Gantry-Affected",
                "Preference-Applied",
                "Idempotency-Replayed",
            ],
            &json!({ "anyOf": [reference(name), reference("Results"), { "type": "array" }] }),
        );
        let parameters = ["select", "prefer_write", "idempotency_key"];
        let responses = json!({ "200": answered("The results of several", &["Preference-Applied"], &json!({})), "201": created, "204": { "description": "Done; nothing to show" } });
        let mut operation = self.of(
            "create",
            "create",
            &format!("Create a {name}, or several"),
            &parameters,
            responses,
            &WRITE_PROBLEMS,
        )?;
        let one = reference(&format!("{name}.create"));
        operation["requestBody"] = json!({
            "required": true,
            "content": {
                "application/json": { "schema": { "oneOf": [one, { "type": "array", "items": one }] } },
                "application/x-ndjson": { "schema": { "type": "string" } },
                "text/csv": { "schema": { "type": "string" } },
            },
        });
        Some(("post", operation))
    }

    /// A change of one record by its id.
    fn change(&self, verb: &str, summary: &str) -> Option<Value> {
        let ok = answered("The record as it is now", &RECORD, &reference(self.name()));
        let responses = json!({ "200": ok, "204": { "description": "Done; nothing to show" } });
        let parameters = ["id", "if_match", "prefer_write", "idempotency_key"];
        self.of(
            verb,
            verb,
            &format!("{summary} a {}", self.name()),
            &parameters,
            responses,
            &WRITE_PROBLEMS,
        )
    }

    fn update(&self) -> Operation {
        let mut operation = self.change("update", "Change fields of")?;
        operation["requestBody"] = body(&reference(&format!("{}.values", self.name())));
        Some(("patch", operation))
    }

    fn replace(&self) -> Operation {
        let mut operation = self.change("replace", "Replace every field of")?;
        operation["requestBody"] = body(&reference(&format!("{}.create", self.name())));
        Some(("put", operation))
    }

    fn delete(&self) -> Operation {
        Some(("delete", self.change("delete", "Delete")?))
    }

    fn restore(&self) -> Operation {
        Some(("post", self.change("restore", "Bring back")?))
    }

    /// A change of all records that a filter finds.
    fn many(&self, verb: &str, summary: &str) -> Option<Value> {
        let ok = answered(
            "What was changed",
            &["Gantry-Affected", "Preference-Applied"],
            &json!({}),
        );
        let responses = json!({ "200": ok, "204": { "description": "Done; nothing to show" } });
        let parameters = ["or", "and", "all", "prefer_write", "idempotency_key"];
        self.filtered(self.of(
            verb,
            verb,
            &format!("{summary} {} by filter", self.name()),
            &parameters,
            responses,
            &WRITE_PROBLEMS,
        ))
    }

    fn bulk_update(&self) -> Operation {
        let mut operation = self.many("bulk_update", "Change")?;
        operation["requestBody"] = body(&reference(&format!("{}.values", self.name())));
        Some(("patch", operation))
    }

    fn bulk_delete(&self) -> Operation {
        Some(("delete", self.many("bulk_delete", "Delete")?))
    }

    fn count(&self) -> Operation {
        let responses = json!({ "200": answered("How many there are", &[], &reference("Count")) });
        let operation = self.of(
            "count",
            "count",
            &format!("Count {}", self.name()),
            &FILTERED,
            responses,
            &READ_PROBLEMS,
        );
        Some(("get", self.filtered(operation)?))
    }

    fn count_where(&self) -> Operation {
        let responses = json!({ "200": answered("How many there are", &[], &reference("Count")) });
        let summary = format!("Count {}, asked in JSON", self.name());
        let mut operation = self.of(
            "count",
            "count_where",
            &summary,
            &["prefer_read"],
            responses,
            &READ_PROBLEMS,
        )?;
        operation["requestBody"] = body(
            &json!({ "type": "object", "properties": { "where": reference("Where"), "deleted": { "type": "string" } } }),
        );
        Some(("post", operation))
    }

    fn upsert(&self) -> Operation {
        let name = self.name();
        let record = |about| {
            answered(
                about,
                &[
                    "ETag",
                    "Location",
                    "Preference-Applied",
                    "Idempotency-Replayed",
                ],
                &reference(name),
            )
        };
        let responses = json!({ "200": record("The record that was there, changed"), "201": record("The new record") });
        let summary = format!("Create a {name}, or change the one that has these values");
        let mut operation = self.of(
            "upsert",
            "upsert",
            &summary,
            &["on", "prefer_write", "idempotency_key"],
            responses,
            &WRITE_PROBLEMS,
        )?;
        operation["requestBody"] = body(&json!({
            "type": "object",
            "required": ["values"],
            "properties": {
                "on": { "type": "array", "items": { "type": "string" }, "examples": self.model.uniques },
                "values": reference(&format!("{name}.create")),
            },
        }));
        for media in ["application/x-ndjson", "text/csv"] {
            operation["requestBody"]["content"][media] = json!({ "schema": { "type": "string" } });
        }
        Some(("post", operation))
    }

    /// What takes the node's own input.
    fn custom(&self, verb: &str, summary: &str, output: &Value, reads: bool) -> Operation {
        let node = self
            .catalogue
            .node(&NodeName::of_model(self.name(), verb))?;
        let responses = json!({ "200": answered("Done", &["Preference-Applied"], output) });
        let (parameters, problems): (&[&str], &[&str]) = if reads {
            (&["prefer_read"], &READ_PROBLEMS)
        } else {
            (&["prefer_write", "idempotency_key"], &WRITE_PROBLEMS)
        };
        let summary = format!("{summary} {}", self.name());
        let mut operation = self.of(verb, verb, &summary, parameters, responses, problems)?;
        operation["requestBody"] = body(&own(&node.input));
        Some(("post", operation))
    }
}
