//! The least that an HTTP handler over SQLite can do: as `bare`, with a file in place of a server.
//!
//! WAL and `synchronous = FULL`, as Gantry: what is answered is on the disk. One connection writes, some read, and
//! statements are prepared once.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{self, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::bare::{Failed, body, text};

const READERS: usize = 4;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS film (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, released TEXT, gross INTEGER, rating TEXT, director TEXT,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL, created_by TEXT NOT NULL, _version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS film_gross ON film (gross, id);
CREATE TABLE IF NOT EXISTS gantry_outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, model TEXT NOT NULL, record TEXT NOT NULL,
    op TEXT NOT NULL, version INTEGER NOT NULL, tenant TEXT
);
";
const PRAGMAS: &str =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;";
const READ: &str = "SELECT * FROM film WHERE id = ?1";
const LIST: &str =
    "SELECT * FROM film WHERE gross >= ?1 ORDER BY gross DESC NULLS FIRST, id LIMIT 20";
const CREATE: &str = "INSERT INTO film VALUES (?1, ?2, ?3, ?4, ?5, ?6, strftime('%FT%fZ'), strftime('%FT%fZ'), \
     'bench', 1) RETURNING *";
const TELL: &str = "INSERT INTO gantry_outbox (at, model, record, op, version) VALUES (strftime('%FT%fZ'), 'Film', \
     ?1, 'create', 1)";

#[derive(Clone)]
struct Store {
    writer: Arc<Mutex<Connection>>,
    readers: Arc<Mutex<Vec<Connection>>>,
    free_readers: Arc<Semaphore>,
}

pub(crate) fn run(file: &str, port: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let router = Router::new()
            .route("/api/v1/film", get(list).post(create))
            .route("/api/v1/film/{id}", get(read))
            .with_state(Store::open(Path::new(file))?);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}

impl Store {
    fn open(file: &Path) -> anyhow::Result<Self> {
        let connect = || {
            let connection = Connection::open(file)?;
            connection.execute_batch(PRAGMAS)?;
            anyhow::Ok(connection)
        };
        let writer = connect()?;
        writer.execute_batch(TABLES)?;
        let readers = (0..READERS)
            .map(|_| connect())
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            readers: Arc::new(Mutex::new(readers)),
            free_readers: Arc::new(Semaphore::new(READERS)),
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failed> {
        let _free = self.free_readers.acquire().await?;
        let readers = Arc::clone(&self.readers);
        let done = spawn_blocking(move || {
            let lock = || readers.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = lock().pop();
            let connection = connection.expect("there are as many readers as permits");
            let done = work(&connection);
            lock().push(connection);
            done
        });
        Ok(done.await??)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failed> {
        let writer = Arc::clone(&self.writer);
        let done = spawn_blocking(move || {
            let mut connection = writer.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection)
        });
        Ok(done.await??)
    }
}

async fn read(
    State(store): State<Store>,
    extract::Path(id): extract::Path<Uuid>,
) -> Result<Response, Failed> {
    let found = store.read(move |connection| {
        let mut statement = connection.prepare_cached(READ)?;
        statement.query_row([id.to_string()], film)
    });
    Ok(body(StatusCode::OK, &found.await?))
}

async fn list(State(store): State<Store>, RawQuery(query): RawQuery) -> Result<Response, Failed> {
    let query = query.unwrap_or_default();
    let bound = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("gross=gte."));
    let bound: i64 = bound.unwrap_or("0").parse()?;
    let films = store.read(move |connection| {
        let mut statement = connection.prepare_cached(LIST)?;
        let films = statement.query_map([bound], film)?;
        films.collect::<Result<Value, _>>()
    });
    Ok(body(StatusCode::OK, &films.await?))
}

async fn create(State(store): State<Store>, input: Bytes) -> Result<Response, Failed> {
    let created = match serde_json::from_slice(&input)? {
        Value::Array(films) => {
            store
                .write(move |connection| create_all(connection, &films))
                .await?
        }
        one => {
            store
                .write(move |connection| insert(connection, &one))
                .await?
        }
    };
    Ok(body(StatusCode::CREATED, &created))
}

fn create_all(connection: &mut Connection, films: &[Value]) -> rusqlite::Result<Value> {
    let transaction = connection.transaction()?;
    for one in films {
        let created = insert(&transaction, one)?;
        let mut tell = transaction.prepare_cached(TELL)?;
        tell.execute([created["id"].as_str()])?;
    }
    transaction.commit()?;
    Ok(json!({ "changed": films.len() }))
}

fn insert(connection: &Connection, one: &Value) -> rusqlite::Result<Value> {
    let id = match text(one, "id") {
        Some(id) => id.to_owned(),
        None => Uuid::now_v7().to_string(),
    };
    let (title, released) = (text(one, "title"), text(one, "released"));
    let (rating, director) = (text(one, "rating"), text(one, "director"));
    let values = params![id, title, released, one["gross"].as_i64(), rating, director];
    connection.prepare_cached(CREATE)?.query_row(values, film)
}

fn film(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(json!({
        "id": row.get::<_, String>(0)?,
        "title": row.get::<_, String>(1)?,
        "released": row.get::<_, Option<String>>(2)?,
        "gross": row.get::<_, Option<i64>>(3)?,
        "rating": row.get::<_, Option<String>>(4)?,
        "director": row.get::<_, Option<String>>(5)?,
        "created_at": row.get::<_, String>(6)?,
        "updated_at": row.get::<_, String>(7)?,
        "created_by": row.get::<_, String>(8)?,
        "_version": row.get::<_, i64>(9)?,
    }))
}
