//! Nodes that answer with the call as it reached them; verbs choose what else the answer says.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wire::{
    Answer, Call, Caller, Calls, Catalogue, Code, FieldInfo, FilterInfo, Grant, Health, Hints,
    Meta, ModelInfo, NodeIndex, NodeInfo, NodeName, Problem, Reached, Schema, Tools,
};

pub(crate) struct Echo;

pub(crate) const ID: &str = "0199c2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f";

/// Whose credential is only good for reading.
const READER: &str = "reader";
const READS: &[&str] = &["read", "list", "count", "search", "aggregate", "changes"];
const VERBS: &[&str] = &[
    "create",
    "read",
    "update",
    "replace",
    "delete",
    "restore",
    "list",
    "count",
    "upsert",
    "aggregate",
    "search",
    "bulk_create",
    "bulk_update",
    "bulk_delete",
    "bulk_upsert",
    "bulk",
];

impl Calls for Echo {
    fn call(&self, call: Call) -> Reached<'_, Answer> {
        Box::pin(answer(call))
    }

    fn catalogue<'a>(&'a self, caller: &'a Caller) -> Reached<'a, Arc<Catalogue>> {
        let mut seen = catalogue();
        if *caller == Caller::Anonymous {
            seen.models.retain(|model| model.name != "Secret");
            "anonymous".clone_into(&mut seen.version);
        }
        Box::pin(async { Ok(Arc::new(seen)) })
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        Box::pin(async { Health::of("echo", "0", Vec::new()) })
    }
}

async fn answer(mut call: Call) -> Result<Answer, Problem> {
    let media = call.input.media;
    let input = std::mem::replace(&mut call.input, wire::Body::empty());
    let input = input.collect(1 << 20).await?;
    let input = String::from_utf8_lossy(&input).into_owned();
    if call.node.as_str() == "auth.verify" {
        let credential: Value = serde_json::from_str(&input).unwrap();
        return match credential["credential"].as_str() {
            Some(known @ ("good" | "reader")) => {
                let grant = Grant {
                    assertion: if known == READER { READER } else { "signed" }.into(),
                    expires_in: 60,
                    id: "me".to_owned(),
                    roles: vec!["admin".to_owned()],
                    scopes: None,
                };
                Ok(Answer::json(serde_json::to_vec(&grant).unwrap()))
            }
            _ => Err(Problem::new(Code::Unauthenticated).detail("the key is not known")),
        };
    }
    if call.node.family() == "Secret" && call.caller == Caller::Anonymous {
        return Err(Problem::new(Code::Unauthenticated).detail("a credential is needed"));
    }
    let is_known = VERBS.contains(&call.node.verb()) || call.node.family().is_empty();
    if !matches!(call.node.family(), "Film" | "Secret" | "") || !is_known {
        return Err(Problem::new(Code::NoSuchNode));
    }
    if call.caller == Caller::Assertion(READER.into()) && !READS.contains(&call.node.verb()) {
        return Err(Problem {
            scope: Some(wire::scope::WRITE.to_owned()),
            ..Problem::new(Code::InsufficientScope).detail("it needs the scope to write")
        });
    }
    let echo = json!({
        "node": call.node,
        "query": call.query,
        "media": media.as_str(),
        "input": input,
        "options": format!("{:?}", call.options),
    });
    let mut answer = Answer::json(serde_json::to_vec(&echo).unwrap());
    answer.meta = meta(&call);
    answer.body.media = call.options.accept;
    if call.node.verb() == "delete" {
        answer.body = wire::Body::empty();
    }
    if call.query.contains("taken") {
        let problem = Problem::new(Code::VersionMismatch).detail("changed");
        return Err(Problem {
            current_version: Some(4),
            ..problem
        });
    }
    Ok(answer)
}

fn meta(call: &Call) -> Meta {
    let about_one = matches!(call.node.verb(), "create" | "read" | "update" | "replace");
    Meta {
        id: about_one.then(|| ID.parse().unwrap()),
        version: about_one.then_some(3),
        created: call.node.verb() == "create",
        rows: (call.node.verb() == "list").then_some(2),
        cursor: (call.node.verb() == "list").then(|| "abc".to_owned()),
        replayed: call.options.idempotency_key.as_deref() == Some("again"),
        ..Meta::default()
    }
}

pub(crate) fn catalogue() -> Catalogue {
    let field = |name: &str, kind: &str, read_only, required| FieldInfo {
        name: name.to_owned(),
        kind: kind.to_owned(),
        array: false,
        about: format!("the {name}"),
        required,
        read_only,
        unique: false,
        search: false,
        target: (kind == "ref").then(|| "Secret".to_owned()),
        schema: Schema::from(
            &json!({ "type": if required { json!("string") } else { json!(["string", "null"]) } }),
        ),
        filter: "text".to_owned(),
    };
    let model = |name: &str, path: &str, soft_delete| ModelInfo {
        name: name.to_owned(),
        path: path.to_owned(),
        about: format!("A {name}"),
        soft_delete,
        require_if_match: false,
        tools: false,
        fields: vec![
            field("id", "uuid", true, true),
            field("title", "text", false, true),
            field("director", "ref", false, false),
            field("created_at", "timestamp", true, true),
        ],
        uniques: vec![vec!["title".to_owned()]],
    };
    let models = vec![
        model("Film", "film", true),
        model("Secret", "secret", false),
    ];
    let node = |name: NodeName| NodeInfo {
        about: format!("About {name}"),
        hints: Hints {
            read_only: READS.contains(&name.verb()),
            ..Hints::default()
        },
        primitive: wire::Primitive::Tool,
        name,
        input: Schema::from(&json!({ "type": "object" })),
        output: Schema::from(&json!({ "$ref": "#/schemas/Film" })),
    };
    let nodes = VERBS
        .iter()
        .map(|verb| node(NodeName::of_model("Film", verb)));
    let nodes = nodes.chain(["Secret.read", "tx"].map(|name| node(name.parse().unwrap())));
    Catalogue {
        version: "v1".to_owned(),
        project: "cinema".to_owned(),
        nodes: nodes.collect(),
        tools: Tools::default(),
        groups: Vec::new(),
        schemas: BTreeMap::from([(
            "Film".to_owned(),
            Schema::from(&json!({ "type": "object" })),
        )]),
        index: NodeIndex::default(),
        filters: BTreeMap::from([(
            "text".to_owned(),
            FilterInfo {
                query: "eq\\..*".to_owned(),
                condition: "eq\\.[a-z]*".to_owned(),
            },
        )]),
        models,
    }
}

/// `METHOD path` and headers, a line each; a blank line; the body.
pub(crate) async fn ask(text: &str) -> Response<Body> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines().map(str::trim);
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let calls: Arc<dyn Calls> = Arc::new(Echo);
    let request = request.body(Body::from(body.to_owned())).unwrap();
    api::router(calls).oneshot(request).await.unwrap()
}

pub(crate) async fn bytes(response: Response<Body>) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 1 << 24)
        .await
        .unwrap()
        .to_vec()
}
