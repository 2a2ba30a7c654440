//! A fresh, empty database of either engine for one test, gone when the test is.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::postgres;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Sqlite,
}

/// Empty when the test gets it; dropped with this value, as well as that can be done.
pub struct Database(Kind);

enum Kind {
    Postgres { server: String, name: String },
    Sqlite { folder: tempfile::TempDir },
}

impl Database {
    pub async fn postgres() -> Self {
        let server = tokio::task::spawn_blocking(postgres::server_url)
            .await
            .expect("the PostgreSQL server for tests must start");
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        execute(&server, &format!("CREATE DATABASE {name}")).await;
        Self(Kind::Postgres { server, name })
    }

    /// The file itself is not there yet.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("the folder for temporary files must be writable");
        Self(Kind::Sqlite { folder })
    }

    pub async fn of(engine: Engine) -> Self {
        match engine {
            Engine::Postgres => Self::postgres().await,
            Engine::Sqlite => Self::sqlite(),
        }
    }

    /// `postgres://gantry@127.0.0.1:40123/test_…` or `sqlite:///tmp/…/test.db`.
    pub fn location_url(&self) -> String {
        match &self.0 {
            Kind::Postgres { server, name } => with_database(server, name),
            Kind::Sqlite { folder } => format!("sqlite://{}", file(folder.path()).display()),
        }
    }

    /// The database's file, on SQLite.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        match &self.0 {
            Kind::Postgres { .. } => None,
            Kind::Sqlite { folder } => Some(file(folder.path())),
        }
    }

    pub fn engine(&self) -> Engine {
        match &self.0 {
            Kind::Postgres { .. } => Engine::Postgres,
            Kind::Sqlite { .. } => Engine::Sqlite,
        }
    }

    /// `postgres` or `sqlite`.
    pub fn engine_name(&self) -> &'static str {
        match self.engine() {
            Engine::Postgres => "postgres",
            Engine::Sqlite => "sqlite",
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Kind::Postgres { server, name } = &self.0 else {
            return;
        };
        let (server, sql) = (
            server.clone(),
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        // A thread, since a test's own runtime cannot wait inside a destructor. The server goes away with the test
        // run, so a database that could not be dropped costs nothing.
        let dropped = std::thread::spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            {
                runtime.block_on(try_execute(&server, &sql)).ok();
            }
        });
        dropped.join().ok();
    }
}

/// Runs one test body on a fresh database of each engine, in turn. A failure says which engine it was.
pub async fn on_both_engines(body: impl AsyncFn(Database)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::of(engine).await;
        let told = TellEngine(database.engine_name());
        body(database).await;
        drop(told);
    }
}

struct TellEngine(&'static str);

impl Drop for TellEngine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            writeln!(std::io::stderr(), "the failure above was on {}", self.0).ok();
        }
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("test.db")
}

/// The server's URL with another database in it.
fn with_database(server: &str, name: &str) -> String {
    let (address, parameters) = server.split_once('?').unwrap_or((server, ""));
    let authority_ends = address
        .find("://")
        .and_then(|scheme| address[scheme + 3..].find('/').map(|at| scheme + 3 + at))
        .unwrap_or(address.len());
    let parameters = if parameters.is_empty() {
        String::new()
    } else {
        format!("?{parameters}")
    };
    format!("{}/{name}{parameters}", &address[..authority_ends])
}

async fn execute(server: &str, sql: &str) {
    if let Err(error) = try_execute(server, sql).await {
        panic!("{sql} on the PostgreSQL server for tests: {error:?}");
    }
}

async fn try_execute(server: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await?;
    let work = async {
        let done = client.batch_execute(sql).await;
        drop(client);
        done
    };
    // Both on this task: the connection ends when the client is dropped.
    let (done, ended) = tokio::join!(work, connection);
    done.and(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_takes_its_place_in_the_servers_url() {
        let check = |server, expected| assert_eq!(with_database(server, "t"), expected);
        check("postgres://u@h:1/postgres", "postgres://u@h:1/t");
        check("postgres://u@h:1", "postgres://u@h:1/t");
        check(
            "postgres://u@h/p?sslmode=off",
            "postgres://u@h/t?sslmode=off",
        );
    }

    #[tokio::test]
    async fn each_test_gets_an_empty_database_that_goes_with_it() {
        on_both_engines(async |database| {
            let Engine::Postgres = database.engine() else {
                assert!(!database.sqlite_file().unwrap().exists());
                return;
            };
            let url = database.location_url();
            try_execute(&url, "CREATE TABLE film (id int)")
                .await
                .unwrap();
            drop(database);
            assert!(try_execute(&url, "SELECT 1").await.is_err());
        })
        .await;
    }
}
