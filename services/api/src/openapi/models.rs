//! The operations of one model.

use serde_json::{Map, Value, json};
use wire::{Catalogue, ModelInfo, NodeInfo, NodeName};

use super::parameters::{header, parameter, with_problems};
use super::queries;
use super::schemas::{body, input, of_schema, reference};

const RECORD: [&str; 2] = ["ETag", "Preference-Applied"];
const LIST: [&str; 4] = ["Content-Range", "Link", "Next-Cursor", "Preference-Applied"];
const READ_PROBLEMS: [&str; 5] = ["400", "401", "403", "404", "406"];
const WRITE_PROBLEMS: [&str; 10] = [
    "400", "401", "403", "404", "409", "412", "413", "415", "422", "428",
];

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
    put(format!("{base}:search"), vec![of.search()]);
    put(format!("{base}:aggregate"), vec![of.aggregate()]);
    put(format!("{base}:upsert"), vec![of.upsert()]);
    put(format!("{base}:bulk"), vec![of.bulk()]);
    paths
}

struct Operations<'a> {
    catalogue: &'a Catalogue,
    model: &'a ModelInfo,
}

type Operation = Option<(&'static str, Value)>;

/// What an operation has beside its summary.
struct Frame<'a> {
    /// The node's verb.
    verb: &'a str,
    /// Behind the model's name; must be unique in the document.
    id: &'a str,
    summary: String,
    parameters: Vec<Value>,
    responses: Value,
    problems: &'a [&'a str],
}

fn answered(about: &str, headers: &[&str], schema: &Value) -> Value {
    json!({ "description": about, "headers": header(headers), "content": { "application/json": { "schema": schema } } })
}

fn nothing_to_show() -> Value {
    json!({ "description": "Done; nothing to show, as with `return=minimal`", "headers": header(&["ETag", "Location", "Gantry-Affected", "Preference-Applied", "Idempotency-Replayed"]) })
}

fn shared(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| parameter(name)).collect()
}

impl Operations<'_> {
    fn name(&self) -> &str {
        &self.model.name
    }

    fn node(&self, verb: &str) -> Option<&NodeInfo> {
        self.catalogue.node(&NodeName::of_model(self.name(), verb))
    }

    /// What the node takes.
    fn input(&self, verb: &str) -> Option<Value> {
        Some(input(self.catalogue, self.node(verb)?))
    }

    /// Where the caller may see its node.
    fn of(&self, frame: Frame<'_>) -> Option<Value> {
        let node = self.node(frame.verb)?;
        Some(json!({
            "operationId": format!("{}.{}", self.name(), frame.id),
            "tags": [self.name()],
            "summary": frame.summary,
            "description": node.about,
            "parameters": frame.parameters,
            "responses": with_problems(frame.responses, frame.problems),
            "x-gantry-node": node.name,
        }))
    }

    /// A read of the node's whole input from the body.
    fn asked_in_json(&self, verb: &str, id: &str, summary: String, output: &Value) -> Operation {
        let mut operation = self.of(Frame {
            verb,
            id,
            summary,
            parameters: shared(&["prefer_read"]),
            responses: json!({ "200": output }),
            problems: &[&READ_PROBLEMS[..], &["413", "415", "422"]].concat(),
        })?;
        operation["requestBody"] = body(self.catalogue, self.node(verb)?);
        Some(("post", operation))
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
        let mut parameters = queries::page(&self.input("list")?);
        parameters.extend(queries::filters(self.model));
        parameters.push(queries::deleted(self.model));
        parameters.push(parameter("prefer_read"));
        let operation = self.of(Frame {
            verb: "list",
            id: "list",
            summary: format!("List {}", self.name()),
            parameters,
            responses: json!({ "200": self.records() }),
            problems: &READ_PROBLEMS,
        });
        Some(("get", operation?))
    }

    fn query(&self) -> Operation {
        let summary = format!("List {}, asked in JSON", self.name());
        self.asked_in_json("list", "query", summary, &self.records())
    }

    fn search(&self) -> Operation {
        let summary = format!("Search {}", self.name());
        self.asked_in_json("search", "search", summary, &self.records())
    }

    fn aggregate(&self) -> Operation {
        let output = json!({ "type": "array", "items": { "type": "object" } });
        let summary = format!("Aggregate {}", self.name());
        let output = answered("A row for each group", &[], &output);
        self.asked_in_json("aggregate", "aggregate", summary, &output)
    }

    fn read(&self) -> Operation {
        let ok = answered("The record", &RECORD, &reference(self.name()));
        let responses =
            json!({ "200": ok, "304": { "description": "The version that is known already" } });
        let mut parameters = shared(&["id", "if_none_match"]);
        parameters.push(queries::select(&self.input("read")?));
        parameters.push(queries::deleted(self.model));
        let operation = self.of(Frame {
            verb: "read",
            id: "read",
            summary: format!("Read a {}", self.name()),
            parameters,
            responses,
            problems: &READ_PROBLEMS,
        });
        Some(("get", operation?))
    }

    fn create(&self) -> Operation {
        let name = self.name();
        let headers = [
            "ETag",
            "Location",
            "Preference-Applied",
            "Idempotency-Replayed",
        ];
        let many = json!({ "anyOf": [{ "type": "array", "items": reference(name) }, reference("Results")] });
        let created = json!({ "anyOf": [reference(name), many] });
        let responses = json!({
            "200": answered("The results of several", &["Preference-Applied"], &many),
            "201": answered("The new record; for several, a list", &headers, &created),
            "204": nothing_to_show(),
        });
        let mut operation = self.of(Frame {
            verb: "create",
            id: "create",
            summary: format!("Create a {name}, or several"),
            parameters: shared(&["prefer_write", "idempotency_key"]),
            responses,
            problems: &WRITE_PROBLEMS,
        })?;
        let one = reference(&format!("{name}.create"));
        let mut content = json!({ "application/json": { "schema": one } });
        if let Some(many) = self.input("bulk_create") {
            // The node takes the list alone as well, and knows how long it may be.
            let list =
                json!({ "type": "array", "items": one, "maxItems": many["anyOf"][1]["maxItems"] });
            content["application/json"]["schema"] = json!({ "anyOf": [one, list] });
            let input = self.input("create")?;
            content["application/x-ndjson"] =
                json!({ "schema": queries::json_lines(self.model, &input) });
            content["text/csv"] = json!({ "schema": queries::csv(self.model, &input) });
        }
        operation["requestBody"] = json!({ "required": true, "content": content });
        Some(("post", operation))
    }

    /// A change of one record by its id; all but the id is its body.
    fn change(&self, verb: &str, summary: &str) -> Option<Value> {
        let ok = answered("The record as it is now", &RECORD, &reference(self.name()));
        let guard = if self.model.require_if_match && verb != "restore" {
            "if_match_required"
        } else {
            "if_match"
        };
        self.of(Frame {
            verb,
            id: verb,
            summary: format!("{summary} a {}", self.name()),
            parameters: shared(&["id", guard, "prefer_write", "idempotency_key"]),
            responses: json!({ "200": ok, "204": nothing_to_show() }),
            problems: &WRITE_PROBLEMS,
        })
    }

    fn update(&self) -> Operation {
        let mut operation = self.change("update", "Change fields of")?;
        operation["requestBody"] = of_schema(&without_id(self.input("update")?));
        Some(("patch", operation))
    }

    fn replace(&self) -> Operation {
        let mut operation = self.change("replace", "Replace every field of")?;
        operation["requestBody"] = of_schema(&without_id(self.input("replace")?));
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
        let list = json!({ "type": "array", "items": reference(self.name()) });
        let ok = answered(
            "What was changed",
            &["Gantry-Affected", "Preference-Applied"],
            &list,
        );
        let mut parameters = queries::filters(self.model);
        let guard = if self.model.require_if_match {
            "if_match_any_required"
        } else {
            "if_match_any"
        };
        parameters.extend(shared(&["all", guard, "prefer_write", "idempotency_key"]));
        self.of(Frame {
            verb,
            id: verb,
            summary: format!("{summary} {} by filter", self.name()),
            parameters,
            responses: json!({ "200": ok, "204": nothing_to_show() }),
            problems: &WRITE_PROBLEMS,
        })
    }

    fn bulk_update(&self) -> Operation {
        let mut operation = self.many("bulk_update", "Change")?;
        operation["requestBody"] = of_schema(&without_id(self.input("update")?));
        Some(("patch", operation))
    }

    fn bulk_delete(&self) -> Operation {
        Some(("delete", self.many("bulk_delete", "Delete")?))
    }

    fn count(&self) -> Operation {
        let mut parameters = queries::filters(self.model);
        parameters.push(queries::deleted(self.model));
        let operation = self.of(Frame {
            verb: "count",
            id: "count",
            summary: format!("Count {}", self.name()),
            parameters,
            responses: json!({ "200": answered("How many there are", &[], &reference("Count")) }),
            problems: &READ_PROBLEMS,
        });
        Some(("get", operation?))
    }

    fn count_where(&self) -> Operation {
        let summary = format!("Count {}, asked in JSON", self.name());
        let output = answered("How many there are", &[], &reference("Count"));
        self.asked_in_json("count", "count_where", summary, &output)
    }

    fn upsert(&self) -> Operation {
        let name = self.name();
        let headers = [
            "ETag",
            "Location",
            "Preference-Applied",
            "Idempotency-Replayed",
        ];
        let record = |about| answered(about, &headers, &reference(name));
        let responses = json!({
            "200": record("The record that was there, changed"),
            "201": record("The new record"),
            "204": nothing_to_show(),
        });
        self.several(
            "upsert",
            format!("Create a {name}, or change the one that has these values"),
            responses,
        )
    }

    fn bulk(&self) -> Operation {
        let responses = json!({
            "200": answered("What each operation did", &["Preference-Applied"], &reference("Results")),
            "204": nothing_to_show(),
        });
        self.several(
            "bulk",
            format!("Several changes of {}", self.name()),
            responses,
        )
    }

    /// A write that takes the node's own input.
    fn several(&self, verb: &str, summary: String, responses: Value) -> Operation {
        let mut operation = self.of(Frame {
            verb,
            id: verb,
            summary,
            parameters: shared(&["prefer_write", "idempotency_key"]),
            responses,
            problems: &WRITE_PROBLEMS,
        })?;
        operation["requestBody"] = body(self.catalogue, self.node(verb)?);
        Some(("post", operation))
    }
}

fn without_id(mut input: Value) -> Value {
    if let Some(Value::Object(properties)) = input.get_mut("properties") {
        properties.remove("id");
    }
    if let Some(Value::Array(required)) = input.get_mut("required") {
        required.retain(|name| name != "id");
    }
    if input
        .get("required")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty)
        && let Value::Object(input) = &mut input
    {
        input.remove("required");
    }
    input
}
