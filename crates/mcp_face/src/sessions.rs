//! Sessions of the older protocol are rows behind dataflow: any replica takes them up, and they outlive each.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use rmcp::transport::streamable_http_server::session::{
    SessionState, SessionStore, SessionStoreError,
};
use serde::Serialize;
use serde_json::value::RawValue;
use wire::session::{Get, Kind, Put, Row};
use wire::{Body, Call, Calls, Code, NodeName, Problem};

use crate::asker::Asker;

/// Seconds without use after which a session ends.
const TTL: u32 = 24 * 3600;
const ROW_BYTES: usize = 1 << 20;
/// Sessions whose owner is remembered here.
const MOST: usize = 100_000;

tokio::task_local! {
    /// Who asks, for the store of sessions, which is told no more than an id.
    pub(crate) static ASKER: Asker;
}

pub(crate) async fn put(
    calls: &dyn Calls,
    asker: &Asker,
    id: &str,
    kind: Kind,
    state: Box<RawValue>,
    ttl: u32,
) -> Result<(), Problem> {
    let input = Put {
        id: id.to_owned(),
        kind,
        state,
        ttl,
    };
    ask(calls, asker, "put", &input).await.map(drop)
}

/// `None`: it is not there, ended, or is another's.
pub(crate) async fn get(
    calls: &dyn Calls,
    asker: &Asker,
    id: &str,
    kind: Kind,
) -> Result<Option<Row>, Problem> {
    if id.is_empty()
        || id.len() > Put::LONGEST_ID
        || !id.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Ok(None);
    }
    let input = Get {
        id: id.to_owned(),
        kind,
    };
    match ask(calls, asker, "get", &input).await {
        Ok(body) => Ok(serde_json::from_slice(&body).ok()),
        Err(problem) if problem.code == Code::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}

pub(crate) async fn delete(
    calls: &dyn Calls,
    asker: &Asker,
    id: &str,
    kind: Kind,
) -> Result<(), Problem> {
    let input = Get {
        id: id.to_owned(),
        kind,
    };
    ask(calls, asker, "delete", &input).await.map(drop)
}

async fn ask(
    calls: &dyn Calls,
    asker: &Asker,
    verb: &str,
    input: &impl Serialize,
) -> Result<bytes::Bytes, Problem> {
    let input = serde_json::to_vec(input).expect("texts and numbers are JSON");
    let node = NodeName::of_model("session", verb);
    let mut call = Call::new(node, asker.identity.caller.clone(), Body::json(input));
    call.trace = asker.trace;
    call.deadline = Some(std::time::Instant::now() + std::time::Duration::from_secs(10));
    calls.call(call).await?.body.collect(ROW_BYTES).await
}

/// rmcp's seam for sessions that outlive a process.
pub(crate) struct Rows {
    calls: Arc<dyn Calls>,
    owners: Arc<Owners>,
}

impl Rows {
    pub(crate) fn new(calls: Arc<dyn Calls>, owners: Arc<Owners>) -> Self {
        Self { calls, owners }
    }
}

fn asker() -> Result<Asker, SessionStoreError> {
    let asker = ASKER.try_with(Clone::clone);
    asker.map_err(|_| "a session is asked for outside of a request".into())
}

#[async_trait]
impl SessionStore for Rows {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let row = get(&*self.calls, &asker()?, id, Kind::Mcp).await?;
        Ok(row.and_then(|row| serde_json::from_str(row.state.get()).ok()))
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let asker = asker()?;
        self.owners.remember(id, &asker);
        let state = serde_json::value::to_raw_value(state)?;
        Ok(put(&*self.calls, &asker, id, Kind::Mcp, state, TTL).await?)
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        self.owners.forget(id);
        Ok(delete(&*self.calls, &asker()?, id, Kind::Mcp).await?)
    }
}

/// Whose sessions those are that run in this process: another's is not taken, whoever knows its id.
#[derive(Default)]
pub(crate) struct Owners(RwLock<HashMap<String, Option<Arc<str>>>>);

impl Owners {
    fn remember(&self, id: &str, asker: &Asker) {
        let mut owners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if owners.len() >= MOST {
            owners.clear();
        }
        owners.insert(id.to_owned(), asker.identity.id.clone());
    }

    fn forget(&self, id: &str) {
        let mut owners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        owners.remove(id);
    }

    /// Asks dataflow where it is not known here.
    pub(crate) async fn owns(
        &self,
        calls: &dyn Calls,
        asker: &Asker,
        id: &str,
    ) -> Result<bool, Problem> {
        let known = {
            let owners = self.0.read().unwrap_or_else(PoisonError::into_inner);
            owners.get(id).cloned()
        };
        if let Some(owner) = known {
            return Ok(owner == asker.identity.id);
        }
        let is_own = get(calls, asker, id, Kind::Mcp).await?.is_some();
        if is_own {
            self.remember(id, asker);
        }
        Ok(is_own)
    }
}
