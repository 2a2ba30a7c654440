//! One effect for one key: the answer is kept in the transaction of the change.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use store::{Claim, Kept, Tx};
use wire::{Answer, AnswerParts, Body, Code, Content, NodeName, Options, Problem};

use crate::problem;

/// Under which key, and the hash of what was asked.
pub(crate) struct Key {
    caller: String,
    node: String,
    text: String,
    /// Of a body that is not read yet: zeros, which are no body's.
    pub(crate) hash: [u8; 32],
}

impl Key {
    /// `None` where the call has none.
    pub(crate) fn of(
        options: &Options,
        caller: &str,
        node: &NodeName,
        hash: impl FnOnce() -> [u8; 32],
    ) -> Result<Option<Self>, Problem> {
        let Some(key) = &options.idempotency_key else {
            return Ok(None);
        };
        let printable = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !printable || !(1..=255).contains(&key.len()) {
            return Err(Problem::new(Code::BadRequest)
                .detail("an idempotency key is 1 to 255 printable ASCII characters"));
        }
        Ok(Some(Self {
            caller: caller.to_owned(),
            node: node.as_str().to_owned(),
            text: key.clone(),
            hash: hash(),
        }))
    }

    /// The answer of an earlier call, or nothing: then the key is held by this transaction.
    pub(crate) async fn claim(&self, tx: &mut Tx) -> Result<Option<Answer>, Problem> {
        let claim = tx
            .claim(&self.caller, &self.node, &self.text, &self.hash)
            .await
            .map_err(problem::of_store)?;
        match claim {
            Claim::Fresh => Ok(None),
            Claim::Replay(kept) => replay(&kept).map(Some),
            Claim::Mismatch => Err(Problem::new(Code::IdempotencyMismatch)
                .detail("the idempotency key was used with another body")
                .hint("use a new key for a new call")),
            Claim::InFlight => Err(in_flight()),
        }
    }

    pub(crate) async fn keep(&self, tx: &mut Tx, kept: &Kept) -> Result<(), Problem> {
        tx.keep(&self.caller, &self.node, &self.text, &self.hash, kept)
            .await
            .map_err(problem::of_store)
    }
}

/// The keys that calls of this process are at work on. The store alone would not answer alike: where writers wait for
/// each other, the second call would wait as well.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<HashSet<Name>>);

/// Caller, node, key.
type Name = (String, String, String);

impl InFlight {
    /// Held until the answer is dropped.
    pub(crate) fn enter(&self, key: &Key) -> Result<Held<'_>, Problem> {
        let name = (key.caller.clone(), key.node.clone(), key.text.clone());
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.insert(name.clone()) {
            return Err(in_flight());
        }
        Ok(Held { set: self, name })
    }
}

pub(crate) struct Held<'a> {
    set: &'a InFlight,
    name: Name,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut names = self.set.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.remove(&self.name);
    }
}

fn in_flight() -> Problem {
    let mut problem = Problem::new(Code::IdempotencyInFlight)
        .detail("a call with the same idempotency key is being carried out");
    problem.retry_after = Some(1);
    problem
}

pub(crate) fn kept(answer: &Answer) -> Result<Kept, Problem> {
    let Content::Whole(body) = &answer.body.content else {
        return Err(problem::internal("a write answered with a stream"));
    };
    let mut headers = http::HeaderMap::new();
    AnswerParts {
        media: answer.body.media,
        meta: answer.meta.clone(),
    }
    .write(&mut headers);
    let meta = headers
        .get(wire::header::META)
        .and_then(|meta| meta.to_str().ok())
        .unwrap_or("");
    Ok(Kept {
        meta: meta.to_owned(),
        body: body.clone(),
    })
}

/// What is asked, while it is read.
#[derive(Clone)]
pub(crate) struct Hash(Sha256);

impl Hash {
    /// Each part with its length, so that none can pass for a part of another; the body comes last.
    pub(crate) fn new(node: &NodeName, query: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [node.as_str(), query] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash)
    }

    pub(crate) fn update(&mut self, body: &[u8]) {
        self.0.update(body);
    }

    /// With the whole body.
    pub(crate) fn of(mut self, body: &[u8]) -> [u8; 32] {
        self.update(body);
        self.finish()
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The answer that was kept.
pub(crate) fn replay(kept: &Kept) -> Result<Answer, Problem> {
    let garbled = || problem::internal("a kept answer cannot be read");
    let mut headers = http::HeaderMap::new();
    let meta = http::HeaderValue::from_str(&kept.meta).map_err(|_| garbled())?;
    headers.insert(wire::header::META, meta);
    let parts = AnswerParts::read(&headers).map_err(|_| garbled())?;
    let mut meta = parts.meta;
    meta.replayed = true;
    Ok(Answer {
        meta,
        body: Body::json(Bytes::clone(&kept.body)),
    })
}
