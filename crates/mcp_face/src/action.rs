//! What a tool's call becomes: a node's call.

use rmcp::model::JsonObject;
use serde_json::{Value, json};
use wire::{Body, Call, Code, CountWish, Fault, IfVersion, NodeName, Options, Problem};

use crate::asker::Asker;
use crate::generic::{DEFAULT_LIMIT, Generic};
use crate::reply::Shape;
use crate::settings::Limits;

/// What stands behind a tool's name.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Describe,
    /// The model is an argument.
    Generic(&'static Generic),
    /// A node of the catalogue, by its place.
    Node(usize),
}

/// A node's call, and how its answer is to be told.
pub(crate) struct Prepared {
    pub(crate) node: NodeName,
    pub(crate) input: JsonObject,
    pub(crate) options: Options,
    pub(crate) shape: Shape,
    /// How many records may change, where that was said.
    pub(crate) confirm: Option<u64>,
    /// Members of the input that stood in this argument: faults are told where they were written.
    pub(crate) flattened: Option<&'static str>,
    /// Whether it changes many records and so must be confirmed.
    pub(crate) sweeps: bool,
}

/// Takes the options out of the arguments; the rest is the node's input, which the node checks.
pub(crate) fn prepare(
    node: NodeName,
    generic: Option<&Generic>,
    shape: Shape,
    mut input: JsonObject,
    limits: &Limits,
) -> Result<Prepared, Problem> {
    let mut options = Options::default();
    let of_model = crate::typed::is_of_model(&node);
    let mut confirm = None;
    if of_model {
        options.idempotency_key = take(&mut input, "idempotency_key", text, "a text")?;
        options.dry_run =
            take(&mut input, "dry_run", Value::as_bool, "true or false")?.unwrap_or(false);
        let version = take(&mut input, "if_version", Value::as_i64, "an integer")?;
        options.if_version = version.map(|version| IfVersion::OneOf(vec![version]));
        if node.verb() == "list"
            && take(&mut input, "count", Value::as_bool, "true or false")? == Some(true)
        {
            options.count = CountWish::Exact;
        }
    }
    if generic.is_some_and(Generic::takes_confirm) {
        confirm = take(&mut input, "confirm", Value::as_u64, "a number of records")?;
    }
    page(&node, &mut input, limits)?;
    let mut flattened = None;
    if generic.is_some() && matches!(node.verb(), "create" | "update") {
        match input.shift_remove("values") {
            Some(Value::Object(values)) => {
                if node.verb() == "update" && values.contains_key("id") {
                    let fault =
                        Fault::new("/values/id", "read_only_field", "a record keeps its id");
                    return Err(of_input(fault));
                }
                input.extend(values);
                flattened = Some("values");
            }
            Some(_) => return Err(wrong_type("values", "an object")),
            None => return Err(required("values")),
        }
    }
    let sweeps = sweeps(&node, &input);
    // Each by itself has its own result; else the number says it all.
    let together = input.get("atomic") != Some(&Value::Bool(false));
    let shape = match node.verb() {
        "bulk" if of_model && together => Shape::Changed,
        _ => shape,
    };
    Ok(Prepared {
        node,
        input,
        options,
        shape,
        confirm,
        flattened,
        sweeps,
    })
}

/// The page's size, no larger than allowed.
fn page(node: &NodeName, input: &mut JsonObject, limits: &Limits) -> Result<(), Problem> {
    if !matches!(node.verb(), "list" | "search" | "aggregate") || !crate::typed::is_of_model(node) {
        return Ok(());
    }
    let said = take(input, "limit", Value::as_u64, "a number from 0")?;
    if let Some(said) = said
        && said > limits.rows
    {
        let detail = format!(
            "`limit` is at most {}; pages go on with `cursor`",
            limits.rows
        );
        return Err(Problem::new(Code::LimitExceeded)
            .detail(detail.clone())
            .errors(vec![Fault::new("/limit", "out_of_range", detail)]));
    }
    let usual = if node.verb() == "aggregate" {
        limits.rows
    } else {
        DEFAULT_LIMIT.min(limits.rows)
    };
    let limit = said.unwrap_or(usual);
    input.insert("limit".to_owned(), json!(limit));
    Ok(())
}

/// Whether it may change or delete records of which the caller did not say each.
fn sweeps(node: &NodeName, input: &JsonObject) -> bool {
    let destroys = |op: &Value| op.get("op").and_then(Value::as_str) != Some("create");
    match node.verb() {
        "bulk_update" | "bulk_delete" => true,
        "bulk" => {
            let ops = input.get("ops").and_then(Value::as_array);
            ops.is_some_and(|ops| ops.iter().any(destroys))
        }
        _ => false,
    }
}

impl Prepared {
    pub(crate) fn call(&self, asker: &Asker, limits: &Limits) -> Call {
        let input = serde_json::to_vec(&self.input).expect("a tree of JSON is JSON");
        let mut call = Call::new(
            self.node.clone(),
            asker.identity.caller.clone(),
            Body::json(input),
        );
        call.options = self.options.clone();
        call.options.max_affected = self.confirm;
        call.deadline = Some(std::time::Instant::now() + limits.time);
        call.trace = asker.trace;
        call
    }

    /// A problem's places as the caller wrote them.
    pub(crate) fn told(&self, mut problem: Problem) -> Problem {
        if let Some(argument) = self.flattened {
            for fault in &mut problem.errors {
                let own = ["/id", ""].contains(&fault.pointer.as_str());
                if !own && fault.pointer.starts_with('/') {
                    fault.pointer.insert_str(0, &format!("/{argument}"));
                }
            }
        }
        problem
    }
}

fn take<T>(
    input: &mut JsonObject,
    name: &str,
    read: impl Fn(&Value) -> Option<T>,
    what: &str,
) -> Result<Option<T>, Problem> {
    match input.shift_remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => read(&value).map(Some).ok_or_else(|| wrong_type(name, what)),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

pub(crate) fn of_input(fault: Fault) -> Problem {
    Problem::new(Code::InvalidInput)
        .detail(fault.detail.clone())
        .errors(vec![fault])
}

pub(crate) fn wrong_type(name: &str, what: &str) -> Problem {
    of_input(Fault::new(
        format!("/{name}"),
        "wrong_type",
        format!("`{name}` is {what}"),
    ))
}

pub(crate) fn required(name: &str) -> Problem {
    of_input(Fault::new(
        format!("/{name}"),
        "required",
        format!("`{name}` must be given"),
    ))
}
