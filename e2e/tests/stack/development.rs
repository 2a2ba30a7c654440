//! The development stack: files are read again, stores and ops ports are on loopback, other projects run on the same
//! images.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use e2e::Stack;
use e2e::engine::{docker, said, until};

use crate::up;

pub(crate) fn dev() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(|| up("dev", "dev", &crate::top().join("examples/cinema")))
}

/// What a few lines of Python say, with the stores' own official clients at hand.
fn python(lines: &str) -> String {
    let python = e2e::target().unwrap().join("testkit/clients/bin/python");
    let secret = |name: &str| {
        let path = dev().folder.join(".gantry/secrets").join(name);
        fs::read_to_string(path).unwrap().trim().to_owned()
    };
    let variables = [
        (
            "POSTGRES",
            format!(
                "host=127.0.0.1 port={} user=gantry dbname=gantry password={}",
                dev().ports.postgres,
                secret("postgres_password")
            ),
        ),
        (
            "REDIS",
            format!(
                "redis://gantry:{}@127.0.0.1:{}",
                secret("redis_password"),
                dev().ports.redis
            ),
        ),
        ("NEO4J", format!("bolt://127.0.0.1:{}", dev().ports.neo4j)),
        ("NEO4J_PASSWORD", secret("neo4j_password")),
    ];
    let told = r#"
import os
def postgres():
    import psycopg
    return psycopg.connect(os.environ["POSTGRES"], autocommit=True)
def redis():
    import redis
    return redis.Redis.from_url(os.environ["REDIS"])
def neo4j(text):
    import neo4j
    with neo4j.GraphDatabase.driver(os.environ["NEO4J"], auth=("neo4j", os.environ["NEO4J_PASSWORD"])) as driver:
        return driver.execute_query(text).records[0][0]
"#;
    said(&python, ["-c", &format!("{told}\n{lines}")], variables).unwrap()
}

#[test]
fn stores_answer_their_own_clients_on_loopback() {
    dev();
    let version = python("print(postgres().execute('show server_version_num').fetchone()[0])");
    assert!(version.starts_with("17"), "{version}");
    assert_eq!(
        python(
            "print(postgres().execute(\"select extname from pg_extension where extname = 'vector'\").fetchone()[0])"
        ),
        "vector"
    );
    assert_eq!(python("print(redis().ping())"), "True");
    assert_eq!(python("print(neo4j('RETURN 1'))"), "1");
    let ports = dev().ports;
    for port in [ports.api_ops, ports.mcp_ops, ports.dataflow_ops] {
        let health = e2e::request(port, "GET", "/health", &[], None).unwrap();
        assert_eq!(health.json().unwrap()["status"], "ok");
    }
}

#[test]
fn the_seed_fills_the_database_and_the_graph() {
    assert_eq!(
        python("print(postgres().execute('select count(*) from film').fetchone()[0])"),
        "3201"
    );
    assert_eq!(
        python("print(neo4j('MATCH (f:Film) RETURN count(f)'))"),
        "3201"
    );
    assert_ne!(
        python("print(neo4j('MATCH (:Film)-[r]->(:Person) RETURN count(r)'))"),
        "0"
    );
}

#[test]
fn what_the_stores_hold_survives_down_and_up() {
    dev();
    python("neo4j(\"CREATE (m:Mark {id: 'kept'}) RETURN 1\")");
    python("redis().set('mark', 'kept')");
    python("postgres().execute(\"create table if not exists mark as select 'kept' as text\")");
    dev().gantry(&["down"]).unwrap();
    dev()
        .gantry(&["up", "--stack", "dev", "--no-build"])
        .unwrap();
    assert_eq!(python("print(neo4j('MATCH (m:Mark) RETURN m.id'))"), "kept");
    assert_eq!(python("print(redis().get('mark').decode())"), "kept");
    assert_eq!(
        python("print(postgres().execute('select text from mark').fetchone()[0])"),
        "kept"
    );
    python("postgres().execute('drop table mark')");
}

#[test]
fn a_cached_read_is_in_redis() {
    dev();
    let keys = || python("print(*redis().scan_iter('gantry:*:v:*'))");
    python("[redis().unlink(key) for key in redis().scan_iter('gantry:*')]");
    // Others may read too; this question is nobody else's.
    let before = keys();
    let genres = dev().get("/api/v1/genre?limit=7");
    assert_eq!(genres.status, 200);
    until("an answer is kept that was not", || {
        let now = keys();
        now.split(' ')
            .any(|key| !key.is_empty() && !before.contains(key))
            .then_some(())
    });
    assert_eq!(dev().get("/api/v1/genre?limit=7").body, genres.body);
}

#[test]
fn a_model_that_changes_is_served_without_a_restart_or_a_lost_request() {
    let stack = dev();
    let started = |service: &str| {
        e2e::engine::inspect(&stack.container(service))["State"]["StartedAt"].take()
    };
    let before = (started("api"), started("dataflow"));
    let (ended, failed, asked) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let answer = stack.edge.get("/api/v1/film?limit=1");
                asked.fetch_add(1, Ordering::Relaxed);
                if !answer.is_ok_and(|answer| answer.status == 200) {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let path = stack.folder.join("models/genre.yaml");
        let text = fs::read_to_string(&path).unwrap();
        let field = format!("note_{}", std::process::id());
        let changed = text.replacen(
            "fields:\n",
            &format!("fields:\n  {field}: {{ type: text }}\n"),
            1,
        );
        assert_ne!(text, changed);
        fs::write(&path, changed).unwrap();
        until("the new field is served", || {
            let document = stack.edge.get("/openapi.json").ok()?;
            String::from_utf8_lossy(&document.body)
                .contains(&field)
                .then_some(())
        });
        ended.store(true, Ordering::Relaxed);
    });
    assert_eq!((started("api"), started("dataflow")), before);
    assert_eq!(failed.into_inner(), 0, "of {asked:?} requests");
}

#[test]
fn logs_are_for_people() {
    let log = docker(["logs", &dev().container("dataflow")]);
    let log = log.out + &log.err;
    assert!(
        log.contains("ready") && !log.contains("{\"timestamp\""),
        "{log}"
    );
}

#[test]
fn another_project_runs_on_the_same_images() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("library");
    let init = dev().gantry(&["init", "--help"]);
    assert!(init.ok);
    fs::create_dir_all(project.join("models")).unwrap();
    fs::write(project.join("gantry.yaml"), "name: library\n").unwrap();
    let model = "model: Book\nfields:\n  title: { type: text, required: true }\naccess:\n  - { role: anyone, can: [read] }\n";
    fs::write(project.join("models/book.yaml"), model).unwrap();
    let name = format!("gantry-{}-second", e2e::tag());
    let stack = Stack::up("dev", &name, &project).unwrap();
    let made = stack
        .edge
        .request(
            "POST",
            "/api/v1/book",
            &[],
            Some(&serde_json::json!({"title": "Dune"})),
        )
        .unwrap();
    assert_eq!(made.status, 201);
    let books = stack.get("/api/v1/book?select=title");
    assert_eq!(
        String::from_utf8_lossy(&books.body),
        "[{\"title\":\"Dune\"}]"
    );
    stack.gantry(&["down", "--volumes", "--yes"]).unwrap();
    fs::remove_dir_all(e2e::target().unwrap().join("stacks").join(name)).unwrap();
}
