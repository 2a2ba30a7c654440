//! Records as a graph in Neo4j: nodes by model and id, a relationship for each ref. The only Cypher.

mod bolt;
mod error;
mod packstream;
mod statements;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bolt::Connection;
pub use error::Error;
pub use packstream::Value;
pub use statements::{Record, Ref};
use statements::{Statement, constraint, count, merge};

const PING: Duration = Duration::from_millis(750);
/// For one statement over [`BATCH`] records.
const WORK: Duration = Duration::from_mins(1);
const BATCH: usize = 500;

/// A Neo4j server, and as whom to speak to it.
#[derive(Clone)]
pub struct Server {
    host: String,
    port: u16,
    user: String,
    password: String,
}

impl Server {
    /// `bolt://user@host:port`; a password stands beside it.
    pub fn new(url: &str, password: Option<&str>) -> Result<Self, Error> {
        let refused = || Error::Setup("is no URL like bolt://neo4j@host:7687".to_owned());
        let place = url.strip_prefix("bolt://").ok_or_else(refused)?;
        let place = place.trim_end_matches('/');
        let (who, place) = place.rsplit_once('@').unwrap_or(("neo4j", place));
        let (user, within) = who.split_once(':').unwrap_or((who, ""));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| refused())?),
            None => (place, 7687),
        };
        if host.is_empty() || host.contains('/') {
            return Err(refused());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            user: user.to_owned(),
            password: password.unwrap_or(within).to_owned(),
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bolt://{}@{}:{}", self.user, self.host, self.port)
    }
}

/// Connects when it is needed, and anew after a failure.
pub struct Graph {
    server: Server,
    /// What nobody uses at the moment.
    idle: Mutex<Option<Connection>>,
    /// The labels whose ids are known to be unique.
    constrained: Mutex<HashSet<String>>,
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}

impl Graph {
    /// Never connects.
    pub fn new(server: Server) -> Self {
        Self {
            server,
            idle: Mutex::default(),
            constrained: Mutex::default(),
        }
    }

    /// Asks what only a database that knows our password answers.
    pub async fn ping(&self) -> Result<(), Error> {
        let statement = Statement {
            text: "RETURN 1".to_owned(),
            rows: None,
        };
        self.run(statement, PING).await.map(|_| ())
    }

    /// Makes the graph say of these records what they say, whatever it said of them before.
    pub async fn project(&self, records: &[Record]) -> Result<(), Error> {
        for record in records {
            self.constrain(&record.model).await?;
            for target in &record.refs {
                self.constrain(&target.model).await?;
            }
        }
        for batch in records.chunks(BATCH) {
            for statement in merge(batch) {
                self.run(statement, WORK).await?;
            }
        }
        Ok(())
    }

    /// How many nodes a model has.
    pub async fn count(&self, model: &str) -> Result<u64, Error> {
        let rows = self.run(count(model), WORK).await?;
        match rows.first().map(Vec::as_slice) {
            Some([Value::Int(count)]) => Ok(u64::try_from(*count).unwrap_or_default()),
            _ => Err(Error::Protocol("a count is no number".to_owned())),
        }
    }

    /// Without it each merge would look at every node.
    async fn constrain(&self, model: &str) -> Result<(), Error> {
        let known = || {
            let lock = self.constrained.lock();
            lock.unwrap_or_else(PoisonError::into_inner)
        };
        if known().contains(model) {
            return Ok(());
        }
        self.run(constraint(model), WORK).await?;
        known().insert(model.to_owned());
        Ok(())
    }

    async fn run(&self, statement: Statement, limit: Duration) -> Result<Vec<Vec<Value>>, Error> {
        let parameters = statement
            .rows
            .map(|rows| ("rows".to_owned(), Value::List(rows)));
        let parameters = Value::Map(BTreeMap::from_iter(parameters));
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let before = idle().take();
        let is_old = before.is_some();
        let work = async {
            let mut connection = match before {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let asked = connection.run(&statement.text, &parameters).await;
            let asked = match asked {
                // It may have been closed long ago; each of our statements may be made twice.
                Err(Error::Away(_)) if is_old => {
                    connection = self.connect().await?;
                    connection.run(&statement.text, &parameters).await
                }
                asked => asked,
            };
            let rows = asked?;
            *idle() = Some(connection);
            Ok(rows)
        };
        let done = tokio::time::timeout(limit, work).await;
        done.unwrap_or_else(|_| Err(Error::Away(format!("no answer within {limit:?}"))))
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let Server {
            host,
            port,
            user,
            password,
        } = &self.server;
        Connection::open((host, *port), user, password).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_the_place_and_never_shows_the_password() {
        let check = |url: &str, expected: &str| {
            let shown = Server::new(url, Some("secret")).map(|server| format!("{server:?}"));
            assert_eq!(shown.unwrap_or_else(|_| "refused".to_owned()), expected);
        };
        check("bolt://neo4j@graph:7000", "bolt://neo4j@graph:7000");
        check("bolt://graph", "bolt://neo4j@graph:7687");
        check("bolt://ann:pw@graph/", "bolt://ann@graph:7687");
        check("http://graph", "refused");
        check("bolt://graph:many", "refused");
        check("bolt://", "refused");
    }
}
