//! The least that an HTTP handler over PostgreSQL can do: one statement a request, no policy, no validation. It tells the outbox
//! of films that come by the thousand, not of single ones.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use serde_json::{Value, json};
use tokio_postgres::{NoTls, Row};
use uuid::Uuid;

use crate::statements;

/// As many as the pool of a server with two cores would hold.
pub(crate) const CONNECTIONS: usize = 16;

pub(crate) fn run(database: &str, port: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let connections = Manager::from_config(database.parse()?, NoTls, recycling);
        let pool = Pool::builder(connections).max_size(CONNECTIONS).build()?;
        let router = Router::new()
            .route("/api/v1/film", get(list).post(create))
            .route("/api/v1/film/{id}", get(read))
            .with_state(pool);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}

/// Whatever fails is a 500: nothing here is to be compared but the way that works.
pub(crate) struct Failed(pub(crate) anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("{:#}", self.0)).into_response()
    }
}

async fn read(State(pool): State<Pool>, Path(id): Path<Uuid>) -> Result<Response, Failed> {
    let connection = pool.get().await?;
    let statement = connection.prepare_cached(statements::READ).await?;
    match connection.query_opt(&statement, &[&id]).await? {
        Some(row) => Ok(body(StatusCode::OK, &film(&row)?)),
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

async fn list(State(pool): State<Pool>, RawQuery(query): RawQuery) -> Result<Response, Failed> {
    let query = query.unwrap_or_default();
    let bound = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("gross=gte."));
    let bound: i64 = bound.unwrap_or("0").parse()?;
    let connection = pool.get().await?;
    let statement = connection.prepare_cached(statements::LIST).await?;
    let rows = connection.query(&statement, &[&bound]).await?;
    let films: Value = rows.iter().map(film).collect::<Result<_, _>>()?;
    Ok(body(StatusCode::OK, &films))
}

async fn create(State(pool): State<Pool>, input: Bytes) -> Result<Response, Failed> {
    let connection = pool.get().await?;
    match serde_json::from_slice(&input)? {
        Value::Array(films) => create_all(&connection, &films).await,
        one => create_one(&connection, &one).await,
    }
}

async fn create_one(connection: &Object, film_in: &Value) -> Result<Response, Failed> {
    let statement = connection.prepare_cached(statements::CREATE).await?;
    let row = connection
        .query_one(
            &statement,
            &[
                &Uuid::now_v7(),
                &text(film_in, "title"),
                &text(film_in, "released"),
                &film_in["gross"].as_i64(),
                &text(film_in, "rating"),
                &text(film_in, "director"),
            ],
        )
        .await?;
    Ok(body(StatusCode::CREATED, &film(&row)?))
}

async fn create_all(connection: &Object, films: &[Value]) -> Result<Response, Failed> {
    let column =
        |name| -> Vec<Option<&str>> { films.iter().map(|film| text(film, name)).collect() };
    let ids = films.iter().map(|film| match text(film, "id") {
        Some(id) => id.parse(),
        None => Ok(Uuid::now_v7()),
    });
    let ids = ids.collect::<Result<Vec<Uuid>, _>>()?;
    let gross: Vec<Option<i64>> = films.iter().map(|film| film["gross"].as_i64()).collect();
    let statement = connection.prepare_cached(statements::BULK).await?;
    let changed = connection
        .execute(
            &statement,
            &[
                &ids,
                &column("title"),
                &column("released"),
                &gross,
                &column("rating"),
                &column("director"),
            ],
        )
        .await?;
    Ok(body(StatusCode::CREATED, &json!({ "changed": changed })))
}

pub(crate) fn text<'a>(film: &'a Value, name: &str) -> Option<&'a str> {
    film.get(name).and_then(Value::as_str)
}

pub(crate) fn film(row: &Row) -> Result<Value, Failed> {
    // Times as seconds since 1970: a bare handler has no library for time.
    let seconds = |column: &str| -> Result<f64, Failed> {
        let time: std::time::SystemTime = row.try_get(column)?;
        Ok(time.duration_since(std::time::UNIX_EPOCH)?.as_secs_f64())
    };
    Ok(json!({
        "id": row.try_get::<_, Uuid>("id")?,
        "title": row.try_get::<_, &str>("title")?,
        "released": row.try_get::<_, Option<&str>>("released")?,
        "gross": row.try_get::<_, Option<i64>>("gross")?,
        "rating": row.try_get::<_, Option<&str>>("rating")?,
        "director": row.try_get::<_, Option<&str>>("director")?,
        "created_at": seconds("created_at")?,
        "updated_at": seconds("updated_at")?,
        "created_by": row.try_get::<_, Option<&str>>("created_by")?,
        "_version": row.try_get::<_, i64>("_version")?,
    }))
}

pub(crate) fn body(status: StatusCode, value: &Value) -> Response {
    let content = [("content-type", "application/json")];
    (status, content, value.to_string()).into_response()
}
