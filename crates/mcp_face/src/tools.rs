//! Calling a tool.

use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, JsonObject};
use rmcp::service::RequestContext;
use serde_json::{Value, json};
use wire::{Code, Fault, ModelInfo, NodeName, Problem, Reply, scope};

use crate::action::{Action, Prepared, of_input, prepare, required, wrong_type};
use crate::asker::Asker;
use crate::confirm::{Outcome, confirm};
use crate::face::Shared;
use crate::generic::Generic;
use crate::guess::guess;
use crate::offer::Offer;
use crate::reply::{Shape, Told, refused};
use crate::typed;

/// A name that is no tool's is the client's mistake.
pub(crate) fn unknown(offer: &Offer, name: &str) -> ErrorData {
    let message = format!("there is no tool `{name}`{}", guess(offer.names(), name));
    ErrorData::invalid_params(message, None)
}

/// The same for who may not write: missing rights are said as such, to the model.
pub(crate) fn not_offered(
    asker: &Asker,
    offer: &Offer,
    name: &str,
    writes: bool,
) -> Result<CallToolResult, ErrorData> {
    if !writes || asker.identity.says_write() {
        return Err(unknown(offer, name));
    }
    let problem = Problem::new(Code::InsufficientScope)
        .detail(format!(
            "`{name}` changes records, and this credential may only read"
        ))
        .hint(format!(
            "use a credential with the scope `{}`",
            scope::WRITE
        ));
    Ok(refused(&problem))
}

pub(crate) async fn call(
    shared: &Shared,
    asker: &Asker,
    offer: &Offer,
    action: Action,
    mut request: CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, Problem> {
    let limits = &shared.settings.limits;
    let confirms = matches!(action, Action::Generic(generic) if generic.takes_confirm());
    let arguments = if confirms {
        request.arguments.clone()
    } else {
        request.arguments.take()
    };
    let arguments = arguments.unwrap_or_default();
    let prepared = match action {
        Action::Describe => return describe(offer, &arguments).map(Into::into),
        Action::Generic(generic) => {
            let (node, input) = of_model(offer, generic, arguments)?;
            prepare(node, Some(generic), generic.shape, input, limits)
        }
        Action::Node(place) => {
            let node = offer.catalogue.nodes[place].name.clone();
            let shape = typed::shape_of(&node);
            prepare(node, None, shape, arguments, limits)
        }
    };
    let mut prepared = prepared?;
    let calls = &*shared.calls;
    if prepared.sweeps && prepared.confirm.is_none() && !prepared.options.dry_run {
        let outcome = confirm(calls, asker, &mut prepared, &request, context, limits).await;
        match outcome.map_err(|problem| prepared.told(problem))? {
            Outcome::Answer(response) => return Ok(*response),
            Outcome::Confirmed => {}
        }
    }
    carry_out(shared, asker, prepared).await.map(Into::into)
}

async fn carry_out(
    shared: &Shared,
    asker: &Asker,
    mut prepared: Prepared,
) -> Result<CallToolResult, Problem> {
    let limits = &shared.settings.limits;
    if prepared.shape == Shape::Changed {
        prepared.options.reply = Reply::Minimal;
    }
    let ask = async |prepared: &Prepared| {
        let answer = shared.calls.call(prepared.call(asker, limits)).await;
        let told = match answer {
            Ok(answer) => Told::of(answer).await,
            Err(problem) => Err(problem),
        };
        told.map_err(|problem| prepared.told(problem))
    };
    let told = ask(&prepared).await?;
    let shape = prepared.shape;
    let Some((fit, of)) = told.too_many(shape, limits) else {
        return Ok(told.result(shape, limits, None));
    };
    // Asked again for fewer, so that the cursor stands where they end.
    prepared.input.insert("limit".to_owned(), json!(fit));
    let cut = format!(
        "Cut to {fit} of {of}: {} bytes are shown. Go on with `cursor`, or name fewer fields in `select`.",
        limits.bytes
    );
    Ok(ask(&prepared).await?.result(shape, limits, Some(cut)))
}

/// The node that a tool for all models means, and what is left of the arguments.
fn of_model(
    offer: &Offer,
    generic: &Generic,
    mut arguments: JsonObject,
) -> Result<(NodeName, JsonObject), Problem> {
    let name = match arguments.shift_remove("model") {
        Some(Value::String(name)) => name,
        Some(_) => return Err(wrong_type("model", "a model's name")),
        None => return Err(required("model")),
    };
    let known = |argument: &&String| !generic.names().any(|known| known == argument.as_str());
    if let Some(unknown) = arguments.keys().find(known) {
        let guess = guess(generic.names(), unknown);
        let detail = format!("`{}` takes no `{unknown}`{guess}", generic.name);
        return Err(of_input(Fault::new(
            format!("/{unknown}"),
            "unknown_field",
            detail,
        )));
    }
    let model = offer.model(&name);
    let node = model.map(|model| NodeName::of_model(&model.name, generic.verb));
    match node {
        Some(node) if offer.catalogue.node(&node).is_some() => Ok((node, arguments)),
        Some(_) => {
            let detail = format!("`{name}` has no `{}`, or you may not", generic.verb);
            let fault = Fault::new("/model", "not_in_enum", detail);
            Err(of_input(fault))
        }
        None => Err(no_model(&name, offer.models())),
    }
}

fn no_model<'a>(name: &str, models: impl Iterator<Item = &'a ModelInfo>) -> Problem {
    let guess = guess(models.map(|model| model.name.as_str()), name);
    let detail = format!("there is no model `{name}`{guess}");
    of_input(Fault::new("/model", "not_in_enum", detail)).hint("models_describe names the models")
}

/// `models_describe`
fn describe(offer: &Offer, arguments: &JsonObject) -> Result<CallToolResult, Problem> {
    if let Some(unknown) = arguments.keys().find(|name| *name != "model") {
        let detail = format!("`models_describe` takes no `{unknown}`");
        return Err(of_input(Fault::new(
            format!("/{unknown}"),
            "unknown_field",
            detail,
        )));
    }
    let described: Vec<Value> = match arguments.get("model") {
        None | Some(Value::Null) => offer.models().map(|model| outline(offer, model)).collect(),
        Some(Value::String(name)) => {
            let model = offer.model(name);
            let model = model.ok_or_else(|| no_model(name, offer.models()))?;
            vec![detail(offer, model)]
        }
        Some(_) => return Err(wrong_type("model", "a model's name")),
    };
    let value = json!({"models": described});
    let text = value.to_string();
    let mut result = CallToolResult::success(vec![rmcp::model::ContentBlock::text(text)]);
    result.structured_content = Some(value);
    Ok(result)
}

fn outline(offer: &Offer, model: &ModelInfo) -> Value {
    let verbs = offer.verbs_of(&model.name);
    json!({"name": model.name, "about": model.about, "may": verbs})
}

/// What a caller must know to ask and to write: not the whole of each field's schema.
pub(crate) fn detail(offer: &Offer, model: &ModelInfo) -> Value {
    let field = |field: &wire::FieldInfo| {
        let mut told = json!({"name": field.name, "type": field.kind});
        let schema = field.schema.tree();
        for (here, there) in [
            ("enum", "values"),
            ("minimum", "min"),
            ("maximum", "max"),
            ("maxLength", "max_length"),
        ] {
            let usual = json!(i64::MAX) == schema[here] || json!(i64::MIN) == schema[here];
            if !schema[here].is_null() && !usual {
                told[there] = schema[here].clone();
            }
        }
        let flags = [
            ("array", field.array),
            ("required", field.required && !field.read_only),
            ("read_only", field.read_only),
            ("unique", field.unique),
            ("searched", field.search),
        ];
        for (name, set) in flags {
            if set {
                told[name] = json!(true);
            }
        }
        if let Some(target) = &field.target {
            told["ref"] = json!(target);
        }
        if !field.about.is_empty() {
            told["about"] = json!(field.about);
        }
        told
    };
    let mut told = outline(offer, model);
    told["fields"] = model.fields.iter().map(field).collect();
    if !model.uniques.is_empty() {
        told["unique"] = json!(model.uniques);
    }
    if model.soft_delete {
        told["soft_delete"] = json!(true);
    }
    told
}
