//! One model file.

use super::{Known, access, field, lists, name};
use crate::measure;
use crate::source::{Place, Source};
use crate::yaml::Node;
use crate::{Field, Kind, Model, ModelOptions, System, did_you_mean};

/// Columns of a table that every supported database can have, with room for the platform's own.
const MOST_FIELDS: usize = 500;

/// `None` where not even the name and the fields could be read. The form was checked before.
pub(super) fn read(source: &mut Source, node: &Node, known: &Known) -> Option<Model> {
    let name_node = node.get("model")?;
    let name = name_node.text()?.to_owned();
    if let Err((message, hint)) = name::check_model(&name) {
        source.mistake(name_node.at, message, hint);
    }
    let options = options(node.get("options"));
    let was = was(source, node, &name, known);
    let (declared, broken) = declared(source, node, known);
    let mut model = Model {
        path: name::path_of(&name),
        name,
        about: node
            .get("about")
            .and_then(Node::text)
            .unwrap_or_default()
            .to_owned(),
        was,
        fields: with_system(declared, &options),
        uniques: Vec::new(),
        indexes: Vec::new(),
        options,
        access: Vec::new(),
    };
    let mut finder = Finder {
        source,
        model: &model,
        broken: &broken,
    };
    let (uniques, indexes) = lists::read(&mut finder, node);
    let access = access::read(&mut finder, node.get("access"));
    model.uniques = uniques;
    model.indexes = indexes;
    model.access = access;
    Some(model)
}

/// Finds fields by name and tells where there is none.
pub(super) struct Finder<'f, 'a> {
    pub source: &'f mut Source<'a>,
    pub model: &'f Model,
    /// Fields with mistakes of their own; what else is said of them would only follow from those.
    pub broken: &'f [String],
}

impl<'f> Finder<'f, '_> {
    pub(super) fn find(&mut self, name: &str, at: Place) -> Option<(crate::FieldId, &'f Field)> {
        if self.broken.iter().any(|broken| broken == name) {
            return None;
        }
        let model = self.model;
        if let Some(id) = model.find(name) {
            return Some((id, model.field(id)));
        }
        let hint = did_you_mean(name, model.fields.iter().map(|field| field.name.as_str()));
        self.source
            .mistake(at, format!("{} has no field `{name}`", model.name), hint);
        None
    }
}

fn options(node: Option<&Node>) -> ModelOptions {
    let switch = |name| {
        node.and_then(|node| node.get(name))
            .and_then(Node::bool)
            .unwrap_or(false)
    };
    ModelOptions {
        soft_delete: switch("soft_delete"),
        tenant: switch("tenant"),
        cache: node
            .and_then(|node| node.get("cache"))
            .and_then(Node::text)
            .and_then(measure::duration),
        graph: switch("graph"),
        require_if_match: switch("require_if_match"),
        tools: switch("tools"),
    }
}

fn was(source: &mut Source, node: &Node, name: &str, known: &Known) -> Option<String> {
    let was = node.get("was")?;
    let text = was.text()?;
    if text == name || known.has(text) {
        source.mistake(
            was.at,
            format!("`{text}` is the name of a model that there is now"),
            None,
        );
    } else if let Err((message, hint)) = name::check_model(text) {
        source.mistake(was.at, message, hint);
    }
    Some(text.to_owned())
}

/// The fields of the file, and the names of those with mistakes.
fn declared(source: &mut Source, node: &Node, known: &Known) -> (Vec<Field>, Vec<String>) {
    let (mut fields, mut broken): (Vec<Field>, Vec<String>) = (Vec::new(), Vec::new());
    let Some(node) = node.get("fields") else {
        return (fields, broken);
    };
    for (key, member) in node.members() {
        let before = source.mistakes.len();
        if let Err((message, hint)) = name::check_field(&key.text) {
            source.mistake(key.at, message, hint);
        }
        let field = field::read(source, key, member, known);
        if source.mistakes.len() > before || field.is_none() {
            broken.push(key.text.clone());
        }
        // A system column's name stays out, so that the name still finds the system column.
        if System::ALL.iter().all(|system| system.name() != key.text) {
            fields.push(field.unwrap_or_else(|| Field::new(&key.text, Kind::Text)));
        }
    }
    if fields.len() > MOST_FIELDS {
        source.mistake(
            node.at,
            format!(
                "a model has at most {MOST_FIELDS} fields, not {}",
                fields.len()
            ),
            None,
        );
        fields.truncate(MOST_FIELDS);
    } else if node.members().is_empty() && source.mistakes.is_empty() {
        let hint = Some("write title: { type: text }".to_owned());
        source.mistake(node.at, "a model has at least one field", hint);
    }
    for (key, member) in node.members() {
        let Some(was) = member.get("was") else {
            continue;
        };
        let Some(text) = was.text() else { continue };
        let others = || {
            node.members()
                .iter()
                .filter(|(other, _)| other.text != key.text)
        };
        if key.text == text || others().any(|(other, _)| other.text == text) {
            source.mistake(
                was.at,
                format!("`{text}` is the name of a field that there is now"),
                None,
            );
        } else if others().any(|(_, other)| other.get("was").and_then(Node::text) == Some(text)) {
            source.mistake(
                was.at,
                format!("two fields say that they were `{text}`"),
                None,
            );
        }
    }
    (fields, broken)
}

/// `id` before the declared fields, the other system columns after.
fn with_system(declared: Vec<Field>, options: &ModelOptions) -> Vec<Field> {
    let mut fields = Vec::with_capacity(declared.len() + 7);
    fields.push(system(System::Id));
    fields.extend(declared);
    fields.extend(
        [
            System::CreatedAt,
            System::UpdatedAt,
            System::CreatedBy,
            System::Version,
        ]
        .map(system),
    );
    if options.soft_delete {
        fields.push(system(System::DeletedAt));
    }
    if options.tenant {
        fields.push(system(System::Tenant));
    }
    fields
}

fn system(system: System) -> Field {
    let (kind, about) = match system {
        System::Id => (Kind::Uuid, "The record's id, chosen on create or given."),
        System::CreatedAt => (Kind::Timestamp, "When it was created."),
        System::UpdatedAt => (Kind::Timestamp, "When it was last changed."),
        System::CreatedBy => (Kind::Text, "Who created it; null for an anonymous caller."),
        System::Version => (Kind::Int, "Rises with each change, from 1."),
        System::DeletedAt => (
            Kind::Timestamp,
            "When it was deleted; null while it is not.",
        ),
        System::Tenant => (Kind::Text, "Whose record it is."),
    };
    Field {
        about: about.to_owned(),
        required: !matches!(system, System::CreatedBy | System::DeletedAt),
        system: Some(system),
        ..Field::new(system.name(), kind)
    }
}
