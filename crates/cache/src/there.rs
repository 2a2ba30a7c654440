//! Redis: one connection for all, made when it is needed and made anew when it is lost. Nobody waits long for it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{Client, FromRedisValue, IntoConnectionInfo as _, Pipeline, cmd, pipe};
use tokio::sync::Semaphore;

use crate::{Epoch, Error, Found, Key, SHORT, new_epoch};

/// Whoever waits longer had better asked the database.
const ANSWER: Duration = Duration::from_millis(100);
const CONNECT: Duration = Duration::from_millis(500);
/// Until it is tried again where it did not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Longer than any answer is kept. An epoch that is gone is as good as a new one.
const EPOCHS_KEPT: Duration = Duration::from_hours(24);
/// The same of [`SHORT`] ones.
const SHORT_KEPT: Duration = Duration::from_mins(1);

/// A Redis server, and as whom to speak to it.
#[derive(Clone)]
pub struct Server(redis::ConnectionInfo);

impl Server {
    /// `redis://user@host:port`; a password stands beside it.
    pub fn new(url: &str, password: Option<&str>) -> Result<Self, Error> {
        // The library's words may repeat the text, which could hold a password.
        let refused = |_| Error::Setup("is no URL like redis://user@host:6379".to_owned());
        let info = url.into_connection_info().map_err(refused)?;
        // It would be one command more that the user must be allowed.
        let mut how = info.redis_settings().clone().set_skip_set_lib_name();
        if let Some(password) = password {
            how = how.set_password(password);
        }
        Ok(Self(info.set_redis_settings(how)))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis://{}", self.0.addr())
    }
}

pub(crate) struct There {
    server: Server,
    namespace: String,
    state: Mutex<State>,
    /// One connects at a time.
    turn: Semaphore,
}

enum State {
    Up(Link),
    Down { until: Instant, why: Error },
}

#[derive(Clone)]
struct Link {
    connection: MultiplexedConnection,
    /// Names the life of the server that is connected to: one that comes back with older data than it had must not
    /// bring older epochs back with it.
    prefix: String,
}

impl There {
    pub(crate) fn new(server: &Server, namespace: &str) -> Self {
        Self {
            server: server.clone(),
            namespace: namespace.to_owned(),
            state: Mutex::new(State::Down {
                until: Instant::now(),
                why: Error::Away("not connected yet".to_owned()),
            }),
            turn: Semaphore::new(1),
        }
    }

    pub(crate) async fn find(&self, key: &Key, models: &[&str]) -> Result<Found, Error> {
        let link = self.link_if_free().await?;
        let names: Vec<_> = models.iter().map(|model| link.epoch(model)).collect();
        let mut ask = pipe();
        ask.cmd("MGET").arg(link.value(key)).arg(&names);
        let (mut held,): (Vec<Option<Vec<u8>>>,) = self.ask(&link, &ask).await?;
        let value = held.first_mut().and_then(Option::take).map(Bytes::from);
        if let Some(epochs) = held.iter().skip(1).map(as_epoch).collect() {
            return Ok(Found { value, epochs });
        }
        let mut make = pipe();
        for (model, name) in models.iter().zip(&names) {
            let set = make.cmd("SET").arg(name).arg(&new_epoch()?[..]);
            let seconds = kept_for(model).as_secs();
            set.arg("NX").arg("EX").arg(seconds).ignore();
        }
        make.cmd("MGET").arg(&names);
        let (held,): (Vec<Option<Vec<u8>>>,) = self.ask(&link, &make).await?;
        let epochs: Option<_> = held.iter().map(as_epoch).collect();
        let epochs = epochs.ok_or_else(|| Error::Away("it kept no epoch".to_owned()))?;
        Ok(Found {
            value: None,
            epochs,
        })
    }

    /// Fails silently: there is one answer less.
    pub(crate) async fn keep(&self, key: &Key, value: &[u8], time: Duration) {
        let Ok(link) = self.link_if_free().await else {
            return;
        };
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut set = pipe();
        set.cmd("SET").arg(link.value(key)).arg(value);
        set.arg("PX").arg(millis).ignore();
        let _: Result<(), _> = self.ask(&link, &set).await;
    }

    pub(crate) async fn renew(&self, models: &BTreeSet<String>) -> Result<(), Error> {
        let link = self.link(false).await?;
        let mut set = pipe();
        for model in models {
            set.cmd("SET").arg(link.epoch(model)).arg(&new_epoch()?[..]);
            set.arg("EX").arg(kept_for(model).as_secs()).ignore();
        }
        self.ask(&link, &set).await
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let link = self.link(true).await?;
        let mut set = pipe();
        set.cmd("SET").arg(format!("{}ping", link.prefix)).arg(1);
        set.arg("EX").arg(60).ignore();
        self.ask(&link, &set).await
    }

    async fn ask<T: FromRedisValue>(&self, link: &Link, what: &Pipeline) -> Result<T, Error> {
        let mut connection = link.connection.clone();
        let asked = tokio::time::timeout(ANSWER, what.query_async(&mut connection)).await;
        let told = match asked {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => Error::Away(error.to_string()),
            Err(_) => Error::Away(format!("no answer within {ANSWER:?}")),
        };
        self.lost(told.clone(), Some(&link.prefix));
        Err(told)
    }

    /// Where another is just connecting there is none.
    async fn link_if_free(&self) -> Result<Link, Error> {
        if let Some(known) = self.known(false) {
            return known;
        }
        match self.turn.try_acquire() {
            Ok(_turn) => self.connect().await,
            Err(_) => Err(Error::Away("it is being connected to".to_owned())),
        }
    }

    /// `now`: also where it has just been tried in vain.
    async fn link(&self, now: bool) -> Result<Link, Error> {
        if let Some(known) = self.known(now) {
            return known;
        }
        let _turn = self.turn.acquire().await;
        match self.known(now) {
            Some(known) => known,
            None => self.connect().await,
        }
    }

    /// Nothing where it is to be tried.
    fn known(&self, now: bool) -> Option<Result<Link, Error>> {
        match &*self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Up(link) => Some(Ok(link.clone())),
            State::Down { until, why } if !now && *until > Instant::now() => Some(Err(why.clone())),
            State::Down { .. } => None,
        }
    }

    async fn connect(&self) -> Result<Link, Error> {
        let connected = tokio::time::timeout(CONNECT, self.try_connect()).await;
        let connected = connected
            .unwrap_or_else(|_| Err(Error::Away(format!("no connection within {CONNECT:?}"))));
        match connected {
            Ok(link) => {
                tracing::info!(server = ?self.server, "Redis answers");
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                *state = State::Up(link.clone());
                Ok(link)
            }
            Err(why) => {
                self.lost(why.clone(), None);
                Err(why)
            }
        }
    }

    async fn try_connect(&self) -> Result<Link, Error> {
        let away = |error: redis::RedisError| Error::Away(error.to_string());
        let client = Client::open(self.server.0.clone()).map_err(away)?;
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .map_err(away)?;
        let info: String = cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await
            .map_err(away)?;
        let life = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        let life = life.ok_or_else(|| Error::Away("it does not name its run".to_owned()))?;
        let prefix = format!("gantry:{}:{life}:", self.namespace);
        Ok(Link { connection, prefix })
    }

    /// `of`: the connection that failed, if there was one; it may have been replaced by now.
    fn lost(&self, why: Error, of: Option<&str>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_up = match (&*state, of) {
            (State::Up(link), Some(failed)) if link.prefix != failed => return,
            (State::Up(_), _) => true,
            (State::Down { .. }, _) => false,
        };
        if was_up {
            tracing::warn!(server = ?self.server, error = %why, "Redis does not answer; reads go to the database");
        }
        *state = State::Down {
            until: Instant::now() + PAUSE,
            why,
        };
    }
}

fn kept_for(model: &str) -> Duration {
    if model.starts_with(SHORT) {
        SHORT_KEPT
    } else {
        EPOCHS_KEPT
    }
}

impl Link {
    fn value(&self, key: &Key) -> Vec<u8> {
        [self.prefix.as_bytes(), b"v:", key].concat()
    }

    fn epoch(&self, model: &str) -> String {
        format!("{}e:{model}", self.prefix)
    }
}

#[expect(clippy::ref_option, reason = "an item of a list as it came")]
fn as_epoch(held: &Option<Vec<u8>>) -> Option<Epoch> {
    held.as_deref()?.try_into().ok()
}
