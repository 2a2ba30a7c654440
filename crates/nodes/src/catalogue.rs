//! The catalogue as a caller may know it.

use std::collections::{BTreeMap, HashSet};
use std::io;

use access::{Principal, Scope};
use model::{
    Action, FieldId, Kind, Model, Verb, filter_name, filter_pattern, filter_schema, value_schema,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use wire::{
    Catalogue, FieldInfo, FilterInfo, GroupInfo, Hints, ModelInfo, NodeIndex, NodeInfo, NodeName,
    Primitive, Schema,
};

use crate::live::Live;
use crate::schema::{self, Part, Shown};
use crate::view::View;
use crate::{migrations, run, session, workflow};

pub(crate) fn build(live: &Live, view: &View, principal: &Principal) -> Catalogue {
    let mut catalogue = Catalogue {
        version: String::new(),
        project: live.project.clone(),
        models: Vec::new(),
        schemas: BTreeMap::new(),
        filters: BTreeMap::new(),
        nodes: Vec::new(),
        tools: live.tools,
        groups: Vec::new(),
        index: NodeIndex::default(),
    };
    for model in live.models.iter() {
        let may = |action| view.allows(model, action);
        let shown = Shown {
            model,
            models: &live.models,
            limits: &live.limits,
            view,
        };
        let nodes = nodes_of(&shown);
        if nodes.is_empty() {
            continue;
        }
        catalogue.schemas.extend(schemas_of(&shown));
        add_filters(&mut catalogue, &shown);
        if [Action::Read, Action::Create, Action::Update, Action::Delete]
            .into_iter()
            .any(may)
        {
            catalogue.models.push(model_info(model, view));
        }
        catalogue.nodes.extend(nodes);
    }
    let writes = |node: &NodeInfo| !node.hints.read_only;
    if catalogue.nodes.iter().any(writes) {
        catalogue.nodes.extend(transaction_node(live));
    }
    let reads = |model: &&ModelInfo| {
        let known = live.models.get(&model.name);
        known.is_some_and(|model| view.allows(model, Action::Read))
    };
    let told: Vec<_> = catalogue.models.iter().filter(reads).collect();
    if !told.is_empty() {
        let names: Vec<_> = told.iter().map(|model| model.name.as_str()).collect();
        catalogue.nodes.extend(changes_node(&names));
    }
    if principal.is_admin() {
        let nodes = key_nodes().filter(|node| is_good_for(principal, node));
        catalogue.nodes.extend(nodes);
    }
    if principal.is_admin() && principal.tenant.is_none() {
        let node = migrations::node().into_iter();
        let node = node.filter(|node| is_good_for(principal, node));
        catalogue.nodes.extend(node);
    }
    catalogue.nodes.extend(more_nodes(live, principal));
    catalogue.groups = groups(live, &catalogue.nodes);
    catalogue.version = version(&catalogue);
    catalogue
}

/// The workflows that the caller may start, what there is to do with runs where there are any, and its sessions.
fn more_nodes(live: &Live, principal: &Principal) -> Vec<NodeInfo> {
    let workflows = live.workflows.iter();
    let startable = workflows.filter(|workflow| workflow::may_start(workflow, principal));
    let mut nodes: Vec<_> = startable.filter_map(run::workflow_node).collect();
    if !live.workflows.is_empty() {
        nodes.extend(run::run_nodes(principal));
    }
    nodes.extend(session::nodes(principal));
    nodes.retain(|node| is_good_for(principal, node));
    nodes
}

/// The credential, whatever the caller's roles.
fn is_good_for(principal: &Principal, node: &NodeInfo) -> bool {
    let scope = if node.hints.read_only {
        Scope::Read
    } else {
        Scope::Write
    };
    principal.is_good_for(scope)
}

/// What they offer of these nodes; not those that offer none of them.
fn groups(live: &Live, nodes: &[NodeInfo]) -> Vec<GroupInfo> {
    let seen = live.groups.iter().map(|group| {
        let offered: HashSet<&NodeName> = group.nodes.iter().collect();
        let names = nodes.iter().map(|node| &node.name);
        GroupInfo {
            name: group.name.clone(),
            about: group.about.clone(),
            tools: group.tools,
            nodes: names
                .filter(|name| offered.contains(name))
                .cloned()
                .collect(),
        }
    });
    seen.filter(|group| !group.nodes.is_empty()).collect()
}

/// Those that the caller's nodes refer to.
fn schemas_of(shown: &Shown<'_>) -> Vec<(String, Schema)> {
    let (model, view) = (shown.model, shown.view);
    let may = |part: &Part| match part {
        Part::Record | Part::Where => true,
        Part::Create => view.allows(model, Action::Create),
        Part::Update | Part::Replace | Part::Values => view.allows(model, Action::Update),
    };
    let parts = Part::ALL.into_iter().filter(may);
    let named = parts.map(|part| (part.name(model), Schema::from(&shown.part(part))));
    named.collect()
}

/// What may be asked of the model's fields, where no other model's are asked alike.
fn add_filters(catalogue: &mut Catalogue, shown: &Shown<'_>) {
    for id in shown.view.fields(shown.model) {
        let field = shown.model.field(id);
        let name = filter_name(shown.model, field);
        if catalogue.filters.contains_key(&name) {
            continue;
        }
        let tests = format!("{}{name}", schema::TESTS);
        catalogue
            .schemas
            .insert(tests, Schema::from(&filter_schema(field)));
        let filter = FilterInfo {
            query: filter_pattern(field, false),
            condition: filter_pattern(field, true),
        };
        catalogue.filters.insert(name, filter);
    }
}

fn nodes_of(shown: &Shown<'_>) -> Vec<NodeInfo> {
    let (model, view) = (shown.model, shown.view);
    let fits = |verb: &Verb| match verb {
        verb if !verb.fits(model) => false,
        Verb::Search if !view_searches(model, view) => false,
        Verb::Bulk => [Action::Create, Action::Update, Action::Delete]
            .into_iter()
            .any(|action| view.allows(model, action)),
        verb => verb
            .needs()
            .iter()
            .all(|action| view.allows(model, *action)),
    };
    let info = |verb: Verb| NodeInfo {
        name: NodeName::of_model(&model.name, verb.name()),
        about: about(model, verb),
        input: Schema::from(&shown.input(verb)),
        output: Schema::from(&shown.output(verb)),
        hints: verb.hints(),
        primitive: Primitive::Tool,
    };
    Verb::ALL.into_iter().filter(fits).map(info).collect()
}

fn view_searches(model: &Model, view: &View) -> bool {
    let mut fields = model.ids();
    fields.any(|(id, field)| field.search && view.shows(model, id))
}

fn about(model: &Model, verb: Verb) -> String {
    let name = &model.name;
    let what = match verb {
        Verb::Create => format!("Creates a {name}."),
        Verb::Read => format!("Reads the {name} with an id."),
        Verb::Update => format!("Changes the named fields of a {name}."),
        Verb::Replace => {
            format!("Sets every field of a {name}; what is not named becomes its default or null.")
        }
        Verb::Delete => format!("Deletes a {name}."),
        Verb::Restore => format!("Brings a deleted {name} back."),
        Verb::List => format!("Lists {name} records by filter and order, a page at a time."),
        Verb::Count => format!("Counts {name} records."),
        Verb::Upsert => {
            format!("Creates a {name}, or changes the one with the same unique fields.")
        }
        Verb::Aggregate => format!("Counts, sums and averages over groups of {name} records."),
        Verb::Search => format!("Finds {name} records by words."),
        Verb::BulkCreate => format!("Creates many {name} records."),
        Verb::BulkUpdate => format!("Changes many {name} records."),
        Verb::BulkDelete => format!("Deletes many {name} records."),
        Verb::BulkUpsert => format!("Creates or changes many {name} records."),
        Verb::Bulk => format!("Creates, changes and deletes {name} records in one call."),
    };
    if model.about.is_empty() {
        what
    } else {
        format!("{what} {name}: {}", model.about)
    }
}

fn model_info(model: &Model, view: &View) -> ModelInfo {
    let writes = |action, field| view.touches(model, action, field);
    let known = |field: FieldId| {
        let system = model.field(field).system.is_some();
        let written = !system && (writes(Action::Create, field) || writes(Action::Update, field));
        view.shows(model, field) || written
    };
    let info = |id: FieldId| {
        let field = model.field(id);
        FieldInfo {
            name: field.name.clone(),
            kind: field.kind.name().to_owned(),
            array: field.array,
            about: field.about.clone(),
            required: field.required,
            read_only: field.system.is_some(),
            unique: id == FieldId::ID || model.uniques.iter().any(|unique| *unique == [id]),
            search: field.search,
            target: match &field.kind {
                Kind::Ref { model, .. } => Some(model.clone()),
                _ => None,
            },
            schema: Schema::from(&value_schema(field)),
            filter: if view.shows(model, id) {
                filter_name(model, field)
            } else {
                String::new()
            },
        }
    };
    let names = |fields: &Vec<FieldId>| {
        let seen = fields.iter().all(|field| known(*field));
        seen.then(|| {
            fields
                .iter()
                .map(|field| model.field(*field).name.clone())
                .collect()
        })
    };
    let fields = model.ids().map(|(id, _)| id).filter(|id| known(*id));
    ModelInfo {
        name: model.name.clone(),
        path: model.path.clone(),
        about: model.about.clone(),
        soft_delete: model.options.soft_delete,
        require_if_match: model.options.require_if_match,
        tools: model.options.tools,
        fields: fields.map(info).collect(),
        uniques: model.uniques.iter().filter_map(names).collect(),
    }
}

fn transaction_node(live: &Live) -> Option<NodeInfo> {
    let about =
        "Several calls, all or nothing; later ones may refer to what earlier ones answered.";
    let hints = Hints {
        destructive: true,
        ..Hints::default()
    };
    let input = schema::transaction_input(live.limits.bulk);
    node("tx", about, input, schema::results(), hints)
}

fn changes_node(names: &[&str]) -> Option<NodeInfo> {
    let about =
        "Tells each change of records that the caller may read, as it happens: server-sent events.";
    let text = |about: &str| json!({"type": "string", "description": about});
    let name = format!("({})", names.join("|"));
    let models = json!({
        "type": ["array", "string"], "items": {"type": "string", "enum": names},
        "pattern": format!("^{name}(,{name})*$"), "description": "Names of models; all unless said.",
    });
    let since = text("The id of the last event that was heard; else changes are told from now on.");
    let input = schema::object(json!({"model": models, "since": since}), &[]);
    let op = json!({"type": "string", "enum": ["create", "update", "delete", "restore"]});
    let event = json!({
        "model": {"type": "string"}, "id": {"type": "string", "format": "uuid"}, "op": op,
        "version": {"type": "integer"}, "at": {"type": "string", "format": "date-time"},
    });
    let output = schema::object(event, &["model", "id", "op", "version", "at"]);
    let hints = Hints {
        read_only: true,
        idempotent: true,
        ..Hints::default()
    };
    node("changes", about, input, output, hints)
}

/// What `key.create` takes.
fn key_input() -> serde_json::Value {
    let short =
        || json!({"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000]*$"});
    let nullable = |mut schema: serde_json::Value| {
        schema["type"] = json!(["string", "null"]);
        schema
    };
    let role = json!({"type": "string", "pattern": "^[a-z][A-Za-z0-9_-]{0,62}$"});
    schema::object(
        json!({
            "name": short(), "roles": {"type": "array", "items": role, "minItems": 1, "maxItems": 32}, "tenant": nullable(short()),
            "scopes": {
                "type": ["array", "null"], "items": {"type": "string", "enum": wire::scope::KNOWN},
                "description": "What the key is good for, whatever its roles allow; all of that unless said.",
            },
            "expires_at": {"type": ["string", "null"], "format": "date-time", "description": "In the future."},
        }),
        &["name", "roles"],
    )
}

fn key_nodes() -> impl Iterator<Item = NodeInfo> {
    let text = || json!({"type": "string"});
    let texts = || json!({"type": "array", "items": {"type": "string"}});
    let key = || {
        json!({
            "id": text(), "name": text(), "roles": texts(), "tenant": {"type": ["string", "null"]},
            "scopes": {"type": ["array", "null"], "items": {"type": "string"}}, "created_at": text(), "expires_at": {"type": ["string", "null"]}, "revoked_at": {"type": ["string", "null"]},
        })
    };
    let shown = schema::object(key(), &["id"]);
    let mut minted = shown.clone();
    minted["properties"]["token"] = text();
    let create = key_input();
    let writes = Hints::default();
    let reads = Hints {
        read_only: true,
        idempotent: true,
        ..writes
    };
    let destroys = Hints {
        destructive: true,
        ..writes
    };
    let list = json!({"type": "array", "items": shown});
    let none = schema::object(json!({}), &[]);
    let revoke = schema::object(json!({"id": text()}), &["id"]);
    [
        node(
            "key.create",
            "Makes an API key; its token is shown this once.",
            create,
            minted,
            writes,
        ),
        node(
            "key.list",
            "Lists the API keys, without their tokens.",
            none,
            list,
            reads,
        ),
        node(
            "key.revoke",
            "Makes an API key worthless.",
            revoke,
            shown,
            destroys,
        ),
    ]
    .into_iter()
    .flatten()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "schemas are written as one expression, parts inside wholes"
)]
pub(crate) fn node(
    name: &str,
    about: &str,
    input: serde_json::Value,
    output: serde_json::Value,
    hints: Hints,
) -> Option<NodeInfo> {
    Some(NodeInfo {
        name: name.parse().ok()?,
        about: about.to_owned(),
        input: Schema::from(&input),
        output: Schema::from(&output),
        hints,
        primitive: Primitive::Tool,
    })
}

/// Never the whole text at once.
struct Digesting(Sha256);

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same text for the same content, so that replicas agree.
fn version(catalogue: &Catalogue) -> String {
    use std::fmt::Write as _;
    let mut digest = Digesting(Sha256::new());
    serde_json::to_writer(&mut digest, catalogue).expect("a digest takes every byte");
    let mut version = String::with_capacity(16);
    for byte in &digest.0.finalize()[..8] {
        write!(version, "{byte:02x}").expect("a String takes every character");
    }
    version
}
