//! A project over a fresh database, and short ways to call it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::{Principal, Scope, Signer};
use model::{Limits, Models, Workflow};
use nodes::{Nodes, Settings};
use serde_json::{Value, json};
use store::migrate::{self, ApplyOptions};
use store::{Location, Store};
use testkit::Database;
use wire::{Body, Call, Caller, Calls, Code, Meta, Options, Problem, Tools};

const MODELS: &[(&str, &str)] = &[
    (
        "person.yaml",
        "model: Person\nfields:\n  name: { type: text, required: true, unique: true, max: 20 }\naccess:\n  - { role: anyone, can: [read] }\n  - { role: editor, can: [create, update, delete] }\n",
    ),
    (
        "film.yaml",
        "model: Film\nfields:\n  title: { type: text, required: true, max: 50, search: true }\n  gross: { type: int, min: 0 }\n  rating: { type: decimal, min: 0, max: 10, default: '5.0' }\n  tags: { type: text, array: true }\n  extra: { type: json }\n  director: { ref: Person, on_delete: set_null }\nunique: [[title, director]]\noptions: { soft_delete: true }\naccess:\n  - { role: anyone, can: [read] }\n  - { role: editor, can: [create, update, delete] }\n",
    ),
    (
        "review.yaml",
        "model: Review\nfields:\n  film: { ref: Film, on_delete: cascade }\n  text: { type: text, required: true }\naccess:\n  - { role: editor, can: [create, read, update, delete] }\n",
    ),
    (
        "award.yaml",
        "model: Award\nfields:\n  name: { type: text, required: true }\n  person: { ref: Person, required: true }\naccess:\n  - { role: anyone, can: [read] }\n",
    ),
    (
        "note.yaml",
        "model: Note\nfields:\n  slug: { type: text, unique: true }\n  title: { type: text, search: true }\n  secret: { type: text, search: true }\n  rank: { type: int }\n  person: { ref: Person }\naccess:\n  - { role: writer, can: [read], where: { created_by: { eq: $caller.id } }, fields: [slug, title, rank] }\n  - { role: writer, can: [create, update, delete], where: { created_by: { eq: $caller.id }, rank: { lt: 10 } } }\n  - { role: dropper, can: [create] }\n",
    ),
    (
        "ticket.yaml",
        "model: Ticket\nfields:\n  title: { type: text, required: true }\n  parent: { ref: Ticket }\noptions: { tenant: true }\naccess:\n  - { role: member, can: [create, read, update, delete] }\n",
    ),
    (
        "diary.yaml",
        "model: Diary\nfields:\n  name: { type: text }\n  person: { ref: Person, on_delete: cascade }\n  parent: { ref: Diary }\noptions: { soft_delete: true }\n",
    ),
    (
        "entry.yaml",
        "model: Entry\nfields:\n  diary: { ref: Diary, on_delete: cascade, required: true }\n  next: { ref: Entry, on_delete: cascade }\n",
    ),
    (
        "page.yaml",
        "model: Page\nfields:\n  body: { type: text }\noptions: { require_if_match: true }\naccess:\n  - { role: editor, can: [create, read, update, delete] }\n",
    ),
];

pub(crate) struct World {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) models: Arc<Models>,
    pub(crate) store: Store,
    pub(crate) admin: Caller,
    pub(crate) editor: Caller,
}

pub(crate) type Answered = Result<(Meta, Value), Problem>;

impl World {
    pub(crate) async fn new(database: &Database) -> Self {
        Self::with(database, Limits::default()).await
    }

    pub(crate) async fn with(database: &Database, limits: Limits) -> Self {
        Self::of(database, limits, Vec::new()).await
    }

    pub(crate) async fn of(database: &Database, limits: Limits, workflows: Vec<Workflow>) -> Self {
        let sources: Vec<_> = MODELS
            .iter()
            .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
            .collect();
        let models = model::load_models(&sources).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let location = match database.sqlite_file() {
            Some(file) => Location::Sqlite(file),
            None => Location::Postgres(database.location_url()),
        };
        let mut settings = store::Settings::new(location);
        settings.streams = limits.streams;
        migrate::apply(&settings, &models, &ApplyOptions::default())
            .await
            .unwrap();
        let store = Store::open(&settings).await.unwrap();
        let rules = Settings {
            open: false,
            limits,
            tools: Tools::Auto,
            groups: Arc::default(),
            workflows: workflows.into(),
            cache: None,
            graph: None,
            tokens: nodes::Tokens::default(),
        };
        let models = Arc::new(models);
        let nodes = Nodes::new(store.clone(), "test", Arc::clone(&models), rules)
            .await
            .unwrap();
        let admin = nodes.local_admin();
        let mut world = Self {
            nodes,
            models,
            store,
            admin: admin.clone(),
            editor: admin,
        };
        world.editor = world.someone(&["editor"], None).await;
        world
    }

    /// A caller with a key of these roles.
    pub(crate) async fn someone(&self, roles: &[&str], tenant: Option<&str>) -> Caller {
        let mut key = json!({"name": "test", "roles": roles});
        if let Some(tenant) = tenant {
            key["tenant"] = json!(tenant);
        }
        let (_, key) = self.call(&self.admin, "key.create", "", key).await.unwrap();
        self.verify(key["token"].as_str().unwrap()).await.unwrap()
    }

    /// An admin whose credential is good for these only.
    pub(crate) async fn limited(&self, scopes: &[Scope]) -> Caller {
        let principal = Principal {
            scopes: Some(scopes.to_vec()),
            ..Principal::admin("limited")
        };
        let signer = Signer::new(self.store.secret().await.unwrap());
        Caller::Assertion(signer.sign(&principal, Duration::from_mins(1)).into())
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Caller, Problem> {
        let credential = json!({"credential": token});
        let (_, grant) = self
            .call(&Caller::Anonymous, "auth.verify", "", credential)
            .await?;
        Ok(Caller::Assertion(
            grant["assertion"].as_str().unwrap().into(),
        ))
    }

    pub(crate) async fn call(
        &self,
        who: &Caller,
        node: &str,
        query: &str,
        input: Value,
    ) -> Answered {
        self.call_with(who, node, query, input, Options::default())
            .await
    }

    pub(crate) async fn call_with(
        &self,
        who: &Caller,
        node: &str,
        query: &str,
        input: Value,
        options: Options,
    ) -> Answered {
        let text = if input.is_null() {
            String::new()
        } else {
            input.to_string()
        };
        let (meta, text) = self
            .raw(who, node, query, Body::json(text), options)
            .await?;
        let value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{node}: {error}: {text}"))
        };
        Ok((meta, value))
    }

    pub(crate) async fn raw(
        &self,
        who: &Caller,
        node: &str,
        query: &str,
        input: Body,
        options: Options,
    ) -> Result<(Meta, String), Problem> {
        let mut call = Call::new(node.parse().unwrap(), who.clone(), input);
        query.clone_into(&mut call.query);
        call.options = options;
        let answer = self.nodes.call(call).await?;
        let body = answer.body.collect(64 << 20).await?;
        Ok((answer.meta, String::from_utf8(body.to_vec()).unwrap()))
    }

    /// As the editor, and it works.
    pub(crate) async fn make(&self, model: &str, values: Value) -> Value {
        let node = format!("{model}.create");
        let made = self.call(&self.admin, &node, "", values).await;
        made.unwrap_or_else(|problem| panic!("{problem:?}")).1
    }

    /// The values of one field of a list, in order.
    pub(crate) async fn list(
        &self,
        who: &Caller,
        model: &str,
        query: &str,
        field: &str,
    ) -> Vec<Value> {
        let node = format!("{model}.list");
        let listed = self.call(who, &node, query, Value::Null).await;
        let (_, listed) = listed.unwrap_or_else(|problem| panic!("{query}: {problem:?}"));
        let records = listed.as_array().unwrap().iter();
        records.map(|record| record[field].clone()).collect()
    }
}

/// The code and the first pointer of what went wrong.
pub(crate) fn refused(answered: &Answered) -> (Code, String) {
    match answered {
        Ok((_, value)) => panic!("it worked: {value}"),
        Err(problem) => {
            let pointer = problem.errors.first().map(|fault| fault.pointer.clone());
            (problem.code, pointer.unwrap_or_default())
        }
    }
}

pub(crate) fn id(record: &Value) -> String {
    record["id"].as_str().unwrap().to_owned()
}
