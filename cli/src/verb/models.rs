//! `gantry models`: what there is, and what it is made of.

use std::io::Write as _;

use model::{Kind, Model, System};
use serde_json::{Value, json};
use verbs::Table;
use wire::{ExitKind, FieldInfo, ModelInfo, Schema};

use crate::args::{Models, Output};
use crate::failure::Failure;
use crate::platform;

pub async fn run(args: Models, output: Output) -> Result<(), Failure> {
    let models = if args.place.server.url.is_some() {
        let platform = platform::compose(&args.place).await?;
        let catalogue = platform.calls.catalogue(&platform.caller).await?;
        catalogue.models.clone()
    } else {
        // The files say it all: no database is touched.
        let project = platform::project(&args.place.database.project)?;
        project.models.iter().map(|model| info(model)).collect()
    };
    match (&args.name, output) {
        (None, Output::Text) => list(&models)?,
        (None, Output::Json) => {
            let models: Vec<_> = models.iter().map(to_json).collect();
            writeln!(anstream::stdout(), "{}", json!(models))?;
        }
        (Some(name), Output::Text) => describe(find(&models, name)?)?,
        (Some(name), Output::Json) => {
            let model = find(&models, name)?;
            writeln!(anstream::stdout(), "{}", to_json(model))?;
        }
    }
    Ok(())
}

/// What a catalogue would say of the model, but for the values' and filters' schemas.
fn info(model: &Model) -> ModelInfo {
    let fields = model.fields.iter().map(|field| FieldInfo {
        name: field.name.clone(),
        kind: field.kind.name().to_owned(),
        array: field.array,
        about: field.about.clone(),
        required: field.required,
        read_only: field.system.is_some_and(|system| system != System::Id),
        unique: field.unique,
        search: field.search,
        target: match &field.kind {
            Kind::Ref { model, .. } => Some(model.clone()),
            _ => None,
        },
        schema: Schema::default(),
        filter: String::new(),
    });
    let names = |set: &Vec<_>| set.iter().map(|id| model.field(*id).name.clone()).collect();
    ModelInfo {
        name: model.name.clone(),
        path: model.path.clone(),
        about: model.about.clone(),
        soft_delete: model.options.soft_delete,
        require_if_match: model.options.require_if_match,
        tools: model.options.tools,
        fields: fields.collect(),
        uniques: model.uniques.iter().map(names).collect(),
    }
}

/// Without the values' schemas, which `/openapi.json` has.
fn to_json(model: &ModelInfo) -> Value {
    let mut value = serde_json::to_value(model).expect("a model's description is plain data");
    if let Some(fields) = value["fields"].as_array_mut() {
        for field in fields.iter_mut().filter_map(Value::as_object_mut) {
            field.remove("schema");
        }
    }
    value
}

/// By the name as it stands in the file, as a path, or in any case.
fn find<'a>(models: &'a [ModelInfo], name: &str) -> Result<&'a ModelInfo, Failure> {
    let found = models
        .iter()
        .find(|model| model.name.eq_ignore_ascii_case(name) || model.path == name);
    found.ok_or_else(|| {
        let failure = Failure::refused(ExitKind::NotFound, format!("there is no model `{name}`"));
        let names = models.iter().map(|model| model.name.as_str());
        let hint = model::did_you_mean(name, names);
        failure.hint(hint.unwrap_or_else(|| "`gantry models` lists them".to_owned()))
    })
}

fn list(models: &[ModelInfo]) -> Result<(), Failure> {
    if models.is_empty() {
        writeln!(
            anstream::stderr(),
            "no models: describe the first in models/, or see `gantry init`"
        )?;
        return Ok(());
    }
    let mut table = Table::new(["model", "path", "fields", "about"]).right(2);
    for model in models {
        let declared = model
            .fields
            .iter()
            .filter(|field| !field.read_only && field.name != "id")
            .count();
        table.push(&[
            model.name.clone(),
            model.path.clone(),
            declared.to_string(),
            model.about.clone(),
        ]);
    }
    table.print()?;
    Ok(())
}

fn describe(model: &ModelInfo) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    if model.about.is_empty() {
        writeln!(out, "{}\n", model.name)?;
    } else {
        writeln!(out, "{}: {}\n", model.name, model.about)?;
    }
    let mut table = Table::new(["field", "kind", "rules", "about"]);
    for field in &model.fields {
        table.push(&[
            field.name.clone(),
            kind(field),
            rules(field),
            field.about.clone(),
        ]);
    }
    table.print()?;
    let sets: Vec<_> = model.uniques.iter().filter(|set| set.len() > 1).collect();
    for set in sets {
        writeln!(out, "\nunique together: {}", set.join(", "))?;
    }
    Ok(())
}

fn kind(field: &FieldInfo) -> String {
    let kind = match &field.target {
        Some(target) => format!("ref {target}"),
        None => field.kind.clone(),
    };
    if field.array {
        format!("{kind} array")
    } else {
        kind
    }
}

fn rules(field: &FieldInfo) -> String {
    // It is what it is in every model, and its description says it.
    if field.name == "id" {
        return String::new();
    }
    let rules = [
        (field.read_only, "read-only"),
        (field.required && !field.read_only, "required"),
        (field.unique, "unique"),
        (field.search, "search"),
    ];
    let rules: Vec<_> = rules
        .into_iter()
        .filter_map(|(holds, rule)| holds.then_some(rule))
        .collect();
    rules.join(", ")
}
