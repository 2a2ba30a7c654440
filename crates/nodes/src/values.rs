//! A record's values from a body, typed and checked, with every mistake at once.

use access::Fields;
use model::{Field, FieldId, Model, Object, System, Value};
use uuid::Uuid;
use wire::{Code, Fault, Problem};

use crate::problem;
use crate::view::View;

/// What a caller gives for one record.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    /// In the body's order; never a system column.
    pub(crate) set: Vec<(FieldId, Value)>,
    /// Only on create.
    pub(crate) id: Option<Uuid>,
}

#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) model: &'a Model,
    pub(crate) view: &'a View,
    /// What the caller may write.
    pub(crate) fields: &'a Fields,
    /// On create `id` may be chosen; elsewhere nothing of the system's.
    pub(crate) may_choose_id: bool,
}

/// `ignore` are members that are not the record's, such as `select`.
pub(crate) fn read(
    rules: Rules<'_>,
    object: &Object<'_>,
    pointer: &str,
    ignore: &[&str],
) -> Result<Given, Problem> {
    let mut given = Given {
        set: Vec::with_capacity(object.members.len()),
        id: None,
    };
    let mut faults = Vec::new();
    let mut denied = Vec::new();
    let model = rules.model;
    let mut next = 0;
    for (name, raw) in &object.members {
        if ignore.contains(&&**name) {
            continue;
        }
        let at = || format!("{pointer}/{}", escape(name));
        let found = model.find_near(next, name);
        let Some(id) = found.filter(|id| is_known(rules, *id)) else {
            faults.push(unknown(rules, name, at()));
            continue;
        };
        next = id.index() + 1;
        let field = model.field(id);
        if field.system.is_some() && !(field.system == Some(System::Id) && rules.may_choose_id) {
            let detail = format!("`{name}` is written by the platform only");
            faults.push(Fault::new(at(), "read_only_field", detail));
            continue;
        }
        match Value::from_json(field, raw) {
            Err(bad) => faults.push(Fault::new(at(), bad.code, bad.detail)),
            Ok(Value::Null) if field.required || id == FieldId::ID => {
                faults.push(Fault::new(
                    at(),
                    "required",
                    format!("`{name}` must have a value"),
                ));
            }
            Ok(Value::Uuid(chosen)) if id == FieldId::ID => given.id = Some(chosen),
            Ok(value) if rules.fields.has(id) => given.set.push((id, value)),
            Ok(_) => denied.push(&**name),
        }
    }
    if !faults.is_empty() {
        return Err(problem::of_input(faults));
    }
    if !denied.is_empty() {
        let detail = format!(
            "the caller may not write {} of {}",
            denied.join(", "),
            model.name
        );
        return Err(Problem::new(Code::Forbidden).detail(detail));
    }
    Ok(given)
}

/// A field that may neither be read nor written is as if it were not there.
fn is_known(rules: Rules<'_>, field: FieldId) -> bool {
    rules.fields.has(field)
        || rules.view.shows(rules.model, field)
        || rules.model.field(field).system.is_some()
}

fn unknown(rules: Rules<'_>, name: &str, at: String) -> Fault {
    let fields = rules.model.ids();
    let known = fields.filter(|(id, field)| field.system.is_none() && is_known(rules, *id));
    let hint = model::did_you_mean(name, known.map(|(_, field)| field.name.as_str()));
    let detail = format!("{} has no field `{name}`", rules.model.name);
    let detail = match hint {
        Some(hint) => format!("{detail}; {hint}"),
        None => detail,
    };
    Fault::new(at, "unknown_field", detail)
}

/// A place for every field of the model, those of the system still null; of the record's own what was given, else the
/// default, else null.
pub(crate) fn complete(model: &Model, given: Given, pointer: &str) -> Result<Vec<Value>, Problem> {
    let mut places: Vec<Option<Value>> = vec![None; model.fields.len()];
    for (id, value) in given.set {
        places[id.index()] = Some(value);
    }
    let mut faults = Vec::new();
    let fill = |(place, field): (Option<Value>, &Field)| {
        let value = place.or_else(|| field.default.clone());
        let value = value.unwrap_or(Value::Null);
        if value.is_null() && field.required && field.system.is_none() {
            faults.push(Fault::new(
                format!("{pointer}/{}", field.name),
                "required",
                format!("`{}` must be given", field.name),
            ));
        }
        value
    };
    let values = places.into_iter().zip(&model.fields).map(fill).collect();
    if faults.is_empty() {
        Ok(values)
    } else {
        Err(problem::of_input(faults))
    }
}

/// A name as a part of a JSON Pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

pub(crate) fn uuid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}
