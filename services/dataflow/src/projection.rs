//! All records of the models that say `graph: true`, into Neo4j.

use graph::{Graph, Record, Ref, Value as Property};
use model::{Kind, Model, Models, Object, System, Value};
use serde_json::value::RawValue;
use wire::{Body, Call, Code, NodeName, Problem};

use crate::seeding::Target;

/// Records of one page: read, projected, then the next.
const PAGE: usize = 500;

/// How many records it were.
pub(crate) async fn project(
    target: Target<'_>,
    graph: &Graph,
    models: &Models,
    model: &Model,
) -> Result<usize, Problem> {
    let mut count = 0;
    let mut cursor = None;
    loop {
        let node = NodeName::of_model(&model.name, "list");
        let mut call = Call::new(node, target.caller.clone(), Body::empty());
        call.query = match &cursor {
            None => format!("limit={PAGE}"),
            Some(cursor) => format!("limit={PAGE}&cursor={cursor}"),
        };
        let answer = target.calls.call(call).await?;
        let bytes = answer.body.collect(usize::MAX).await?;
        let raws: Vec<&RawValue> =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(&error.to_string()))?;
        let mut records = Vec::with_capacity(raws.len());
        for raw in raws {
            let object = Object::parse(raw.get()).map_err(|error| unreadable(&error))?;
            records.push(record(models, model, &object)?);
        }
        let projected = graph.project(&records).await;
        projected.map_err(|error| Problem::new(Code::Unavailable).detail(error.to_string()))?;
        count += records.len();
        cursor = answer.meta.cursor;
        if cursor.is_none() {
            return Ok(count);
        }
    }
}

/// The declared fields that a property can hold, the tenant, and refs to models that are in the graph too.
fn record(models: &Models, model: &Model, object: &Object<'_>) -> Result<Record, Problem> {
    let mut record = Record {
        model: model.name.clone(),
        id: String::new(),
        properties: Vec::new(),
        refs: Vec::new(),
    };
    for (id, field) in model.ids() {
        let wanted = match field.system {
            None | Some(System::Id | System::Tenant) => true,
            Some(_) => false,
        };
        let Some(raw) = object.get(&field.name).filter(|_| wanted) else {
            continue;
        };
        let value = Value::from_json(field, raw).map_err(|error| unreadable(&error.detail))?;
        let target = models.target(model.field(id));
        if let (None, Value::Uuid(id), true) = (target, &value, field.system == Some(System::Id)) {
            record.id = id.to_string();
        } else if let Some(target) = target.filter(|target| target.options.graph) {
            let to = match &value {
                Value::Array(ids) => ids.iter().map(text).collect(),
                Value::Null => Vec::new(),
                id => vec![text(id)],
            };
            let (field, model) = (field.name.clone(), target.name.clone());
            record.refs.push(Ref { field, model, to });
        } else if let Some(property) = property(&field.kind, &value) {
            record.properties.push((field.name.clone(), property));
        }
    }
    Ok(record)
}

/// What Neo4j has no exact type for is a text, or left out where nobody would look for it.
fn property(kind: &Kind, value: &Value) -> Option<Property> {
    Some(match (kind, value) {
        (Kind::Json | Kind::Bytes | Kind::Vector { .. }, _) => return None,
        (_, Value::Null) => Property::Null,
        (_, Value::Bool(bool)) => Property::Bool(*bool),
        (_, Value::Int(int)) => Property::Int(*int),
        (_, Value::Float(float)) => Property::Float(*float),
        (kind, Value::Array(items)) => {
            let items = items.iter().filter(|item| **item != Value::Null);
            Property::List(items.filter_map(|item| property(kind, item)).collect())
        }
        (_, other) => Property::Text(text(other)),
    })
}

fn text(value: &Value) -> String {
    let mut text = Vec::new();
    value.write_text(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn unreadable(error: &str) -> Problem {
    Problem::new(Code::Internal).detail(format!("an answer could not be read: {error}"))
}
