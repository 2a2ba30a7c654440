//! Reads `data/*.seed.yaml`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::{Lookup, Origin, Seed, SeedField, SeedFormat, cells, order};
use crate::source::{Place, Source, about_file};
use crate::yaml::{Key, Node, Yaml};
use crate::{
    Field, FieldId, Kind, Mistake, Model, Models, System, Value, did_you_mean, keys, read,
};

/// Every seed, in the order of loading. `data` are the names of the files beside them.
pub(crate) fn read_all(
    files: &[(PathBuf, String)],
    models: &Models,
    data: &[String],
    mistakes: &mut Vec<Mistake>,
) -> Vec<Seed> {
    let before = mistakes.len();
    let mut parsed = Vec::with_capacity(files.len());
    for (path, text) in files {
        let (source, node) = read::read_file(path, text, &keys::SEED, "seed");
        parsed.push((source, node));
    }
    let name_of = |node: &Option<Node>| node.as_ref()?.get("seed")?.text().map(str::to_owned);
    let names: Vec<String> = parsed
        .iter()
        .filter_map(|(_, node)| name_of(node))
        .collect();
    let mut seeds: Vec<Seed> = Vec::with_capacity(files.len());
    for (mut source, node) in parsed {
        if let Some(node) = &node {
            let mut reader = Reader {
                source: &mut source,
                models,
                data,
                names: &names,
            };
            if let Some(seed) = reader.seed(node) {
                if let Some(other) = seeds.iter().find(|other| other.name == seed.name) {
                    let at = node.get("seed").map_or(node.at, |node| node.at);
                    let message = format!(
                        "there is another seed `{}`, in {}",
                        seed.name,
                        other.definition.display()
                    );
                    source.mistake(at, message, None);
                } else {
                    seeds.push(seed);
                }
            }
        }
        mistakes.append(&mut source.mistakes);
    }
    if mistakes.len() > before {
        return seeds;
    }
    match order::sorted(seeds.clone()) {
        Ok(sorted) => sorted,
        Err(waiting) => {
            let message = format!(
                "seeds wait for each other by `after`: {}",
                waiting.join(", ")
            );
            let file = seeds
                .iter()
                .find(|seed| waiting.contains(&seed.name))
                .map(|seed| seed.definition.clone());
            mistakes.push(about_file(file.unwrap_or_default(), message, None));
            seeds
        }
    }
}

struct Reader<'r, 'a> {
    source: &'r mut Source<'a>,
    models: &'r Models,
    data: &'r [String],
    names: &'r [String],
}

impl Reader<'_, '_> {
    /// `None` where its model is not known or a key is missing.
    fn seed(&mut self, node: &Node) -> Option<Seed> {
        let texts = |name: &str| -> Vec<String> {
            node.get(name)
                .into_iter()
                .flat_map(Node::texts)
                .map(|(text, _)| text.to_owned())
                .collect()
        };
        let (file, format) = self.file(node.get("file")?)?;
        for (name, at) in node.get("after").into_iter().flat_map(Node::texts) {
            if !self.names.iter().any(|known| known == name) {
                let hint = did_you_mean(name, self.names.iter().map(String::as_str));
                self.source
                    .mistake(at, format!("there is no seed `{name}`"), hint);
            }
        }
        let model = self.model(node.get("model")?)?;
        let fields = node.get("fields")?;
        let mut seed = Seed {
            name: node.get("seed")?.text()?.to_owned(),
            about: node
                .get("about")
                .and_then(Node::text)
                .unwrap_or_default()
                .to_owned(),
            definition: self.source.file.to_path_buf(),
            file,
            format,
            model: Arc::clone(&model),
            after: texts("after"),
            key: texts("key"),
            fields: Vec::with_capacity(fields.members().len()),
            ignore: texts("ignore"),
        };
        for (key, node) in fields.members() {
            seed.fields.extend(self.field(&model, key, node));
        }
        for (id, field) in model.ids() {
            let filled = seed.fields.iter().any(|part| part.field == id)
                || fields.get(&field.name).is_some();
            if field.system.is_none() && field.required && field.default.is_none() && !filled {
                let message = format!(
                    "{}.{} is required, and nothing fills it",
                    model.name, field.name
                );
                self.source.mistake(fields.at, message, None);
            }
        }
        Some(seed)
    }

    fn file(&mut self, node: &Node) -> Option<(PathBuf, SeedFormat)> {
        let name = node.text()?;
        if !self.data.iter().any(|known| known == name) {
            let hint = did_you_mean(name, self.data.iter().map(String::as_str));
            self.source
                .mistake(node.at, format!("there is no file data/{name}"), hint);
            return None;
        }
        let path = Path::new("data").join(name);
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Some((path, SeedFormat::Csv)),
            Some("jsonl" | "ndjson") => Some((path, SeedFormat::JsonLines)),
            _ => {
                self.source
                    .mistake(node.at, "a data file ends in .csv or .jsonl", None);
                None
            }
        }
    }

    fn model(&mut self, node: &Node) -> Option<Arc<Model>> {
        let name = node.text()?;
        self.named_model(name, node.at)
    }

    fn named_model(&mut self, name: &str, at: Place) -> Option<Arc<Model>> {
        let model = self.models.get(name);
        if model.is_none() {
            let hint = did_you_mean(name, self.models.iter().map(|model| model.name.as_str()));
            self.source
                .mistake(at, format!("there is no model `{name}`"), hint);
        }
        model.map(Arc::clone)
    }

    fn find(&mut self, model: &Model, name: &str, at: Place) -> Option<FieldId> {
        let id = model.find(name);
        if id.is_none() {
            let hint = did_you_mean(name, model.fields.iter().map(|field| field.name.as_str()));
            self.source
                .mistake(at, format!("{} has no field `{name}`", model.name), hint);
        }
        id
    }

    fn field(&mut self, model: &Model, key: &Key, node: &Node) -> Option<SeedField> {
        let id = self.find(model, &key.text, key.at)?;
        let field = model.field(id);
        if field.system.is_some_and(|system| system != System::Id) {
            self.source.mistake(
                key.at,
                format!("`{}` is written by the platform", key.text),
                None,
            );
            return None;
        }
        if !matches!(node.yaml, Yaml::Map(_)) {
            return None;
        }
        let (from, value) = (node.get("from"), node.get("value"));
        let origin = match (from, value) {
            (Some(from), None) => self.column(field, node, from.text()?)?,
            (None, Some(value)) => {
                for name in ["parse", "lookup", "create", "null_if"] {
                    if let Some(node) = node.get(name) {
                        self.source.mistake(
                            node.at,
                            format!("`{name}` is for columns, with `from`"),
                            None,
                        );
                    }
                }
                Origin::Constant(self.constant(field, value)?)
            }
            (from, _) => {
                let what = if from.is_some() {
                    "both `from` and `value`"
                } else {
                    "neither `from` nor `value`"
                };
                let hint = Some("write { from: Column } or { value: constant }".to_owned());
                self.source
                    .mistake(key.at, format!("`{}` has {what}", key.text), hint);
                return None;
            }
        };
        Some(SeedField { field: id, origin })
    }

    fn constant(&mut self, field: &Field, node: &Node) -> Option<Value> {
        let json = RawValue::from_string(node.to_json()).ok()?;
        match cells::Cell::Json(&json).value(field, &[], &[]) {
            Ok(value) => Some(value),
            Err(why) => {
                self.source
                    .mistake(node.at, format!("the value does not fit: {why}"), None);
                None
            }
        }
    }

    fn column(&mut self, field: &Field, node: &Node, column: &str) -> Option<Origin> {
        let lookup = if let Some(lookup) = node.get("lookup") {
            Some(self.lookup(field, node, lookup)?)
        } else {
            if let Some(create) = node.get("create") {
                self.source
                    .mistake(create.at, "`create` needs a `lookup`", None);
            }
            None
        };
        let parsed = lookup
            .as_ref()
            .map_or(field, |lookup| lookup.target.field(lookup.field));
        let formats = self.formats(parsed, node.get("parse"));
        let null_if = node
            .get("null_if")
            .into_iter()
            .flat_map(Node::texts)
            .map(|(text, _)| text.to_owned())
            .collect();
        Some(Origin::Column {
            column: column.to_owned(),
            formats,
            null_if,
            lookup,
        })
    }

    fn formats(&mut self, field: &Field, node: Option<&Node>) -> Vec<String> {
        let Some(node) = node else { return Vec::new() };
        if field.array || !matches!(field.kind, Kind::Date | Kind::Time | Kind::Timestamp) {
            let message = format!(
                "`parse` is for dates and times, and {} is {}",
                field.name,
                field.kind_name()
            );
            self.source.mistake(node.at, message, None);
        }
        let one = node.text().map(|text| (text, node.at));
        let mut formats = Vec::new();
        for (format, at) in one.into_iter().chain(node.texts()) {
            if let Err(why) = cells::check_format(format) {
                self.source.mistake(
                    at,
                    format!("`{format}` is no format of dates and times: {why}"),
                    None,
                );
            }
            formats.push(format.to_owned());
        }
        formats
    }

    fn lookup(&mut self, field: &Field, node: &Node, lookup: &Node) -> Option<Lookup> {
        let text = lookup.text()?;
        let Kind::Ref {
            model: target_name, ..
        } = &field.kind
        else {
            let message = format!(
                "`lookup` is for refs, and {} is {}",
                field.name,
                field.kind_name()
            );
            self.source.mistake(lookup.at, message, None);
            return None;
        };
        let Some((name, by)) = text.split_once('.') else {
            let hint = Some(format!("write {target_name}.{text}"));
            self.source
                .mistake(lookup.at, "a lookup names a model and its field", hint);
            return None;
        };
        let target = self.named_model(name, lookup.at)?;
        if target.name != *target_name {
            let message = format!("{} points to {target_name}, not to {name}", field.name);
            self.source.mistake(lookup.at, message, None);
            return None;
        }
        let id = self.find(&target, by, lookup.at)?;
        if !target.field(id).unique && id != FieldId::ID {
            let message = format!("{text} is not unique, so it may mean several records");
            self.source.mistake(lookup.at, message, None);
        }
        let create = node.get("create").and_then(Node::bool).unwrap_or(false);
        if create {
            let lacking = target.ids().find(|(other, field)| {
                field.system.is_none() && field.required && field.default.is_none() && *other != id
            });
            if let Some((_, lacking)) = lacking {
                let message = format!(
                    "a {name} cannot be made of {by} alone: {} is required",
                    lacking.name
                );
                self.source.mistake(
                    node.get("create").map_or(node.at, |node| node.at),
                    message,
                    None,
                );
            }
        }
        Some(Lookup {
            target,
            field: id,
            create,
        })
    }
}
