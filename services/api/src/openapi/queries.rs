//! What may stand in a query string, and in bodies that are not JSON, as regular expressions of ECMA 262.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wire::{Catalogue, FieldInfo, ModelInfo};

use super::parameters::parameter;

pub(super) fn query(name: &str, schema: &Value, about: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "schema": schema, "description": about })
}

fn listed(name: &str, item: &str, least: &str, about: &str) -> Value {
    let pattern = match least {
        "" => format!("^(({item})(,({item}))*)?$"),
        _ => format!("^({item})(,({item}))*$"),
    };
    query(
        name,
        &json!({ "type": "string", "pattern": pattern }),
        about,
    )
}

/// The pattern of one item of the node's list, without anchors.
fn item<'a>(input: &'a Value, name: &str) -> &'a str {
    let pattern = input["properties"][name]["items"]["pattern"].as_str();
    let pattern = pattern.unwrap_or_default();
    pattern.trim_start_matches('^').trim_end_matches('$')
}

/// The parameters of a list, its filters aside. `input` is what the node takes.
pub(super) fn page(input: &Value) -> Vec<Value> {
    let text = json!({ "type": "string" });
    let number = |name: &str| input["properties"][name].clone();
    vec![
        select(input),
        listed("order", item(input, "order"), "", "`a.desc.nullslast,b`"),
        query("limit", &number("limit"), "Records a page"),
        query(
            "cursor",
            &text,
            "From `Next-Cursor` of the page before; not with `offset`",
        ),
        query(
            "offset",
            &number("offset"),
            "Records to skip; for more, use a cursor",
        ),
    ]
}

pub(super) fn select(input: &Value) -> Value {
    let about = "Which fields, each once: `a,rel(b,c)`, one level of refs, `rel(*)` for all";
    listed("select", item(input, "select"), "1", about)
}

pub(super) fn deleted(model: &ModelInfo) -> Value {
    let words: &[&str] = if model.soft_delete {
        &["exclude", "include", "only"]
    } else {
        &["exclude"]
    };
    query(
        "deleted",
        &json!({ "type": "string", "enum": words }),
        "Soft-deleted records",
    )
}

fn asked(model: &ModelInfo) -> impl Iterator<Item = &FieldInfo> {
    model.fields.iter().filter(|field| !field.filter.is_empty())
}

/// `column=operator.value` for each field that may be asked for, and `or=(…)`, `and=(…)`.
pub(super) fn filters(model: &ModelInfo) -> Vec<Value> {
    let mut parameters: Vec<_> = asked(model)
        .map(|field| parameter(&filter_parameter(field)))
        .collect();
    let schema = json!({ "$ref": super::schemas::path(&conditions_name(model)) });
    for (name, about) in [
        (
            "or",
            "`(a.eq.1,b.is.null)`; `and(…)` and `or(…)` may stand in it",
        ),
        (
            "and",
            "`(a.gt.1,a.lt.9)`; `and(…)` and `or(…)` may stand in it",
        ),
    ] {
        parameters.push(query(name, &schema, about));
    }
    parameters
}

/// Among the components: fields of the same name and kind are asked alike in every model.
fn filter_parameter(field: &FieldInfo) -> String {
    format!("where.{}.{}", field.name, field.filter)
}

/// The parameters that [`filters`] refers to.
pub(super) fn filter_parameters(catalogue: &Catalogue) -> BTreeMap<String, Value> {
    let fields = catalogue.models.iter().flat_map(asked);
    let named = fields.map(|field| {
        let operators = match field.kind.as_str() {
            _ if field.array => "cs cd ov is",
            "json" | "vector" => "is",
            "text" | "enum" => "eq neq lt lte gt gte in like ilike is",
            _ => "eq neq lt lte gt gte in is",
        };
        let about = format!("`operator.value`, with `not.` before it to negate: {operators}");
        let schema = json!({ "$ref": super::schemas::path(&filter_schema(&field.filter)) });
        (filter_parameter(field), query(&field.name, &schema, &about))
    });
    named.collect()
}

fn filter_schema(name: &str) -> String {
    format!("query.{name}")
}

/// The schemas that those refer to.
pub(super) fn filter_schemas(catalogue: &Catalogue) -> Map<String, Value> {
    let filters = catalogue.filters.iter();
    let named = filters.map(|(name, filter)| {
        let pattern = format!("^({})$", filter.query);
        let schema = json!({ "type": "string", "pattern": pattern });
        (filter_schema(name), schema)
    });
    named.collect()
}

pub(super) fn conditions_name(model: &ModelInfo) -> String {
    format!("{}.conditions", model.name)
}

/// Several conditions in brackets.
pub(super) fn conditions(catalogue: &Catalogue, model: &ModelInfo) -> Value {
    // Each kind's pattern once, however many fields are asked like that.
    let mut alike: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for field in asked(model) {
        alike.entry(&field.filter).or_default().push(&field.name);
    }
    let each = alike.into_iter().filter_map(|(filter, names)| {
        let condition = &catalogue.filters.get(filter)?.condition;
        Some(format!("({})\\.({condition})", names.join("|")))
    });
    let one = each.collect::<Vec<_>>().join("|");
    json!({
        "type": "string",
        "pattern": format!("^\\(({one})(,({one}))*\\)$"),
        "description": "`column.operator.value`, with commas between; groups within groups are read, too.",
    })
}

/// A field that a create needs, and what a cell and a JSON value of it can be.
struct Needed<'a> {
    name: &'a str,
    cell: String,
    value: String,
}

fn needed<'a>(model: &'a ModelInfo, input: &'a Value) -> Vec<Needed<'a>> {
    let required = input["required"].as_array().into_iter().flatten();
    let named = required.filter_map(Value::as_str);
    let of = |name: &'a str| {
        let field = model.fields.iter().find(|field| field.name == name);
        let bare = match field.map(|field| field.kind.as_str()) {
            Some("int" | "float" | "decimal") => "[0-9]",
            Some("bool") => "(true|false)",
            Some("date") => "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])",
            Some("uuid" | "ref") => {
                "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
            }
            _ => "",
        };
        let is_bare =
            field.is_some_and(|field| matches!(field.kind.as_str(), "int" | "float" | "bool"));
        if bare.is_empty() {
            let schema = field.map_or(Value::Null, |field| field.schema.tree());
            let bound = |name: &str| schema[name].as_u64();
            let (least, most) = (
                bound("minLength").unwrap_or(0),
                bound("maxLength").map_or(String::new(), |most| most.to_string()),
            );
            // Nothing between commas is null.
            let unquoted = least.max(1);
            Needed {
                name,
                cell: format!(
                    "([^\",\\r\\n\\u0000]{{{unquoted},{most}}}|\"([^\"\\u0000]|\"\"){{{least},{most}}}\")"
                ),
                value: format!("\"[^\"\\\\\\u0000-\\u001f]{{{least},{most}}}\""),
            }
        } else {
            Needed {
                name,
                cell: format!("({bare}|\"{bare}\")"),
                value: if is_bare {
                    bare.to_owned()
                } else {
                    format!("\"{bare}\"")
                },
            }
        }
    };
    named.map(of).collect()
}

/// With the columns that there must be.
pub(super) fn csv(model: &ModelInfo, input: &Value) -> Value {
    let needed = needed(model, input);
    let names: Vec<_> = needed
        .iter()
        .map(|one| format!("(\"{0}\"|{0})", one.name))
        .collect();
    let cells: Vec<_> = needed.iter().map(|one| one.cell.as_str()).collect();
    let pattern = format!(
        "^{}(\\r?\\n{})*(\\r?\\n)?$",
        names.join(","),
        cells.join(",")
    );
    json!({ "type": "string", "pattern": pattern, "description": "A header of field names, any of those of JSON, then a line for each record." })
}

pub(super) fn json_lines(model: &ModelInfo, input: &Value) -> Value {
    let member =
        |one: &Needed| format!("[ \\t]*\"{}\"[ \\t]*:[ \\t]*{}[ \\t]*", one.name, one.value);
    let members: Vec<_> = needed(model, input).iter().map(member).collect();
    let line = format!("[ \\t\\r]*\\{{{}\\}}[ \\t\\r]*", members.join(","));
    let pattern = format!("^[ \\t\\r\\n]*{line}(\\n[ \\t\\r\\n]*{line})*[ \\t\\r\\n]*$");
    json!({ "type": "string", "pattern": pattern, "description": "A line for each record, each as in JSON." })
}
