//! Answers that are given again: never one that a write told of has made wrong, whoever wrote it and wherever.

use std::sync::Arc;
use std::time::Duration;

use cache::Place;
use nodes::{Nodes, Settings};
use serde_json::{Value, json};
use store::Store;
use store::migrate::{self, ApplyOptions};
use testkit::{Database, Redis, on_both_engines};
use wire::{Body, Call, Caller, Calls as _, CountWish, Meta, Options, Status, Tools};

const MODELS: &[(&str, &str)] = &[
    (
        "person.yaml",
        "model: Person\nfields:\n  name: { type: text }\noptions: { cache: 1h }\naccess:\n  - { role: anyone, can: [read] }\n",
    ),
    (
        "film.yaml",
        "model: Film\nfields:\n  title: { type: text, search: true }\n  gross: { type: int }\n  director: { ref: Person, on_delete: cascade }\noptions: { cache: 1h }\naccess:\n  - { role: shy, can: [read], fields: [title, director] }\n  - { role: poor, can: [read], where: { gross: { lt: 10 } } }\n",
    ),
    (
        "note.yaml",
        "model: Note\nfields:\n  text: { type: text }\n  film: { ref: Film }\noptions: { cache: 1s }\n",
    ),
    (
        "plain.yaml",
        "model: Plain\nfields:\n  text: { type: text }\n  film: { ref: Film, on_delete: set_null }\n",
    ),
];

/// One of several processes over the same database.
pub(crate) struct Replica {
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) admin: Caller,
}

pub(crate) async fn store(database: &Database) -> (Store, Arc<model::Models>) {
    let sources = MODELS
        .iter()
        .map(|(path, text)| ((*path).into(), (*text).to_owned()));
    let models = model::load_models(&sources.collect::<Vec<_>>()).unwrap();
    let location = match database.sqlite_file() {
        Some(file) => store::Location::Sqlite(file),
        None => store::Location::Postgres(database.location_url()),
    };
    let settings = store::Settings::new(location);
    migrate::apply(&settings, &models, &ApplyOptions::default())
        .await
        .unwrap();
    (Store::open(&settings).await.unwrap(), Arc::new(models))
}

impl Replica {
    pub(crate) async fn new(
        (store, models): &(Store, Arc<model::Models>),
        place: Option<Place>,
    ) -> Self {
        let settings = Settings {
            open: false,
            limits: model::Limits::default(),
            tools: Tools::Auto,
            groups: Arc::default(),
            workflows: Arc::default(),
            cache: place,
            graph: None,
            tokens: nodes::Tokens::default(),
        };
        let nodes = Nodes::new(store.clone(), "test", Arc::clone(models), settings).await;
        let nodes = nodes.unwrap();
        let admin = nodes.local_admin();
        Self { nodes, admin }
    }

    async fn call(&self, who: &Caller, line: &str, input: &Value) -> (Meta, Value) {
        let (node, query) = line.split_once('?').unwrap_or((line, ""));
        let mut call = Call::new(
            node.parse().unwrap(),
            who.clone(),
            Body::json(input.to_string()),
        );
        query.clone_into(&mut call.query);
        let answer = self.nodes.call(call).await;
        let answer = answer.unwrap_or_else(|problem| panic!("{line}: {problem:?}"));
        let body = answer.body.collect(1 << 20).await.unwrap();
        (
            answer.meta,
            serde_json::from_slice(&body).unwrap_or_default(),
        )
    }

    async fn ask(&self, line: &str) -> Value {
        self.call(&self.admin, line, &json!({})).await.1
    }

    pub(crate) async fn write(&self, node: &str, input: Value) -> Value {
        self.call(&self.admin, node, &input).await.1
    }

    pub(crate) async fn someone(&self, role: &str) -> Caller {
        let key = json!({"name": role, "roles": [role]});
        let key = self.write("key.create", key).await;
        let credential = json!({"credential": key["token"]});
        let grant = self.write("auth.verify", credential).await;
        Caller::Assertion(grant["assertion"].as_str().unwrap().into())
    }

    async fn titles(&self) -> Vec<String> {
        let films = self.ask("Film.list?order=title").await;
        let titles = films.as_array().unwrap().iter();
        titles
            .map(|film| film["title"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub(crate) fn there(redis: &Redis) -> Place {
    let server = cache::Server::new(&redis.url(), Some(Redis::PASSWORD)).unwrap();
    Place::There(server)
}

/// Behind every cache's back: only who asks the database sees it.
async fn slip_in(store: &(Store, Arc<model::Models>), title: &str) {
    let unseen = Replica::new(store, None).await;
    unseen.write("Film.create", json!({"title": title})).await;
}

#[tokio::test]
async fn a_write_is_seen_at_once_by_every_replica_and_nothing_else_is_asked_for_again() {
    let redis = Redis::start().unwrap();
    on_both_engines(async |database| {
        let store = store(&database).await;
        let one = Replica::new(&store, Some(there(&redis))).await;
        let two = Replica::new(&store, Some(there(&redis))).await;
        one.write("Film.create", json!({"title": "A"})).await;
        assert_eq!(two.titles().await, ["A"]);
        slip_in(&store, "unseen").await;
        for replica in [&one, &two] {
            assert_eq!(replica.titles().await, ["A"], "it was not kept");
        }
        let made = two.write("Film.create", json!({"title": "B"})).await;
        for replica in [&one, &two] {
            assert_eq!(replica.titles().await, ["A", "B", "unseen"]);
        }
        let id = made["id"].as_str().unwrap();
        let read = format!("Film.read?id={id}");
        for (node, input) in [
            ("Film.update", json!({"id": id, "title": "C"})),
            ("Film.replace", json!({"id": id, "title": "D"})),
            ("Film.bulk_create", json!([{"title": "E"}])),
            (
                "Film.bulk_update",
                json!({"where": {"title": "D"}, "values": {"title": "F"}}),
            ),
            (
                "Film.upsert",
                json!({"on": ["id"], "values": {"id": id, "title": "G"}}),
            ),
            (
                "tx",
                json!({"ops": [{"node": "Film.update", "input": {"id": id, "title": "H"}}]}),
            ),
        ] {
            let before = [one.ask(&read).await, one.ask("Film.count").await];
            two.write(node, input).await;
            let after = [one.ask(&read).await, one.ask("Film.count").await];
            assert_ne!(before, after, "{node}");
        }
        assert_eq!(one.ask(&read).await["title"], "H");
        let mut import = Call::new(
            "Film.bulk_create".parse().unwrap(),
            two.admin.clone(),
            Body::json("{\"title\": \"I\"}\n"),
        );
        import.input.media = wire::Media::JsonLines;
        import.options.reply = wire::Reply::Minimal;
        two.nodes.call(import).await.unwrap();
        assert!(one.titles().await.contains(&"I".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn what_a_delete_takes_along_and_what_joins_show_is_seen_too() {
    let redis = Redis::start().unwrap();
    on_both_engines(async |database| {
        let store = store(&database).await;
        let one = Replica::new(&store, Some(there(&redis))).await;
        let two = Replica::new(&store, Some(there(&redis))).await;
        let ann = one.write("Person.create", json!({"name": "Ann"})).await;
        let film = json!({"title": "A", "director": ann["id"]});
        let film = one.write("Film.create", film).await;
        one.write("Plain.create", json!({"text": "x", "film": film["id"]}))
            .await;
        let joined = "Film.list?select=title,director(name)";
        let name =
            async |replica: &Replica| replica.ask(joined).await[0]["director"]["name"].clone();
        assert_eq!(name(&two).await, "Ann");
        one.write("Person.update", json!({"id": ann["id"], "name": "Bea"}))
            .await;
        assert_eq!(name(&two).await, "Bea");
        // Of a model that declares nothing, nothing is kept, not even within another's answer.
        let plain = "Plain.list?select=text,film(title)";
        assert_eq!(two.ask(plain).await[0]["film"]["title"], "A");
        two.write("Person.delete", json!({"id": ann["id"]})).await;
        assert_eq!(one.titles().await, [""; 0]);
        assert_eq!(one.ask(plain).await[0]["film"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn an_epoch_that_was_lost_makes_no_old_answer_valid() {
    let redis = Redis::start().unwrap();
    on_both_engines(async |database| {
        let store = store(&database).await;
        let one = Replica::new(&store, Some(there(&redis))).await;
        one.write("Film.create", json!({"title": "A"})).await;
        assert_eq!(one.titles().await, ["A"]);
        slip_in(&store, "B").await;
        assert_eq!(one.titles().await, ["A"]);
        redis.forget("gantry:*:e:Film").unwrap();
        assert_eq!(one.titles().await, ["A", "B"]);
    })
    .await;
}

#[tokio::test]
async fn without_redis_reads_go_on_health_is_degraded_and_all_comes_back_by_itself() {
    let mut redis = Redis::start().unwrap();
    let database = Database::sqlite();
    let store = store(&database).await;
    let one = Replica::new(&store, Some(there(&redis))).await;
    let two = Replica::new(&store, Some(there(&redis))).await;
    one.write("Film.create", json!({"title": "A"})).await;
    assert_eq!(two.titles().await, ["A"]);
    assert_eq!(one.nodes.health().await.status, Status::Ok);

    redis.stop().unwrap();
    let health = one.nodes.health().await;
    assert_eq!(health.status, Status::Degraded, "{health:?}");
    let down = health.dependencies.iter().find(|one| one.name == "redis");
    assert!(down.unwrap().reason.is_some(), "{health:?}");
    one.write("Film.create", json!({"title": "B"})).await;
    assert_eq!(two.titles().await, ["A", "B"]);
    redis.start_again().unwrap();
    assert_eq!(two.titles().await, ["A", "B"]);
    until_healthy(&one).await;
    until_healthy(&two).await;
    assert_eq!(one.titles().await, ["A", "B"]);
    slip_in(&store, "C").await;
    assert_eq!(one.titles().await, ["A", "B"], "it is kept again");
}

#[tokio::test]
async fn a_write_that_redis_was_not_told_of_is_made_good_when_it_answers() {
    let redis = Redis::start().unwrap();
    let database = Database::sqlite();
    let store = store(&database).await;
    let one = Replica::new(&store, Some(there(&redis))).await;
    one.write("Film.create", json!({"title": "A"})).await;
    assert_eq!(one.titles().await, ["A"]);
    // The same server, with all that it knew.
    redis.hold_still().unwrap();
    one.write("Film.create", json!({"title": "B"})).await;
    assert_eq!(one.titles().await, ["A", "B"]);
    redis.go_on().unwrap();
    assert_eq!(one.titles().await, ["A", "B"]);
    until_healthy(&one).await;
    assert_eq!(one.titles().await, ["A", "B"]);
    let two = Replica::new(&store, Some(there(&redis))).await;
    assert_eq!(two.titles().await, ["A", "B"]);
}

async fn until_healthy(replica: &Replica) {
    let healthy = async {
        while replica.nodes.health().await.status != Status::Ok {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let within = tokio::time::timeout(Duration::from_mins(1), healthy).await;
    within.expect("it never came back");
}

#[tokio::test]
async fn callers_share_answers_only_where_policy_made_the_same_of_them() {
    on_both_engines(async |database| {
        let store = store(&database).await;
        let one = Replica::new(&store, Some(Place::Here)).await;
        for (title, gross) in [("A", 5), ("B", 50)] {
            one.write("Film.create", json!({"title": title, "gross": gross}))
                .await;
        }
        let poor = one.someone("poor").await;
        let shy = one.someone("shy").await;
        for line in [
            "Film.list?order=title",
            "Film.list?order=title&limit=1",
            "Film.count",
        ] {
            for _ in 0..2 {
                let mut seen = Vec::new();
                for who in [&one.admin, &poor, &shy] {
                    seen.push(one.call(who, line, &json!({})).await);
                }
                let texts: Vec<_> = seen.iter().map(|(_, body)| body.to_string()).collect();
                assert!(texts[0].contains("\"gross\":50") == (line == "Film.list?order=title"));
                assert!(!texts[1].contains("\"B\""), "{texts:?}");
                assert!(!texts[2].contains("gross"), "{texts:?}");
                let cursors: Vec<_> = seen
                    .into_iter()
                    .filter_map(|(meta, _)| meta.cursor)
                    .collect();
                assert!(
                    cursors.is_empty() || cursors[0] != cursors[1],
                    "{cursors:?}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_kept_answer_is_the_same_to_the_byte() {
    let redis = Redis::start().unwrap();
    on_both_engines(async |database| {
        let store = store(&database).await;
        for place in [Place::Here, there(&redis)] {
            let one = Replica::new(&store, Some(place)).await;
            for n in 0..3 {
                one.write("Film.create", json!({"title": "Same ä", "gross": n}))
                    .await;
            }
            let films = one.ask("Film.list").await;
            let id = films[0]["id"].as_str().unwrap();
            for (node, query, input) in [
                ("Film.list", "limit=2&order=gross.desc,title", ""),
                ("Film.list", "limit=0", ""),
                ("Film.read", &format!("id={id}"), ""),
                (
                    "Film.read",
                    &format!("id={id}&select=title,director(name)"),
                    "",
                ),
                ("Film.search", "q=same&limit=1", ""),
                ("Film.count", "gross=gt.0", ""),
                (
                    "Film.aggregate",
                    "limit=1",
                    r#"{"group": ["gross"], "measures": {"n": "count"}}"#,
                ),
            ] {
                let mut told = Vec::new();
                for _ in 0..2 {
                    let mut call = Call::new(
                        node.parse().unwrap(),
                        one.admin.clone(),
                        Body::json(input.to_owned()),
                    );
                    query.clone_into(&mut call.query);
                    call.options = Options {
                        count: if node == "Film.list" {
                            CountWish::Exact
                        } else {
                            CountWish::None
                        },
                        ..Options::default()
                    };
                    let answer = one.nodes.call(call).await.unwrap();
                    told.push((answer.meta, answer.body.collect(1 << 20).await.unwrap()));
                }
                assert_eq!(told[0], told[1], "{node}?{query}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_write_decides_by_what_is_there_and_not_by_what_was_kept() {
    on_both_engines(async |database| {
        let store = store(&database).await;
        let one = Replica::new(&store, Some(Place::Here)).await;
        let unseen = Replica::new(&store, None).await;
        let film = one.write("Film.create", json!({"title": "A"})).await;
        let read = format!("Film.read?id={}", film["id"].as_str().unwrap());
        assert_eq!(one.ask(&read).await["_version"], 1);
        let gross = json!({"id": film["id"], "gross": 7});
        unseen.write("Film.update", gross).await;
        assert_eq!(one.ask(&read).await["_version"], 1);
        let options = Options {
            if_version: Some(wire::IfVersion::OneOf(vec![1])),
            ..Options::default()
        };
        let title = json!({"id": film["id"], "title": "B"});
        let mut call = Call::new(
            "Film.update".parse().unwrap(),
            one.admin.clone(),
            Body::json(title.to_string()),
        );
        call.options = options;
        let refused = one.nodes.call(call).await.unwrap_err();
        assert_eq!(refused.current_version, Some(2), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_kept_for_as_long_as_its_model_says() {
    let database = Database::sqlite();
    let store = store(&database).await;
    let one = Replica::new(&store, Some(Place::Here)).await;
    let count = async || one.ask("Note.count").await["count"].clone();
    assert_eq!(count().await, 0);
    let unseen = Replica::new(&store, None).await;
    unseen.write("Note.create", json!({"text": "x"})).await;
    let seen = async {
        while count().await != 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let within = tokio::time::timeout(Duration::from_mins(1), seen).await;
    within.expect("it was never asked for again");
}
