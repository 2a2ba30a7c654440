//! Who calls: the bearer's credential becomes the assertion that dataflow gave for it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::{Body, Call, Caller, Calls, Code, Credential, Grant, NodeName, Problem, Trace, scope};
use http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};

/// Credentials remembered; beyond, those that ran out are forgotten, and then all.
const MOST: usize = 10_000;
/// A revoked key works no longer than this.
const LONGEST: Duration = Duration::from_secs(10);
const GRANT_BYTES: usize = 1 << 20;

/// Who calls, as far as a face must know: it shows, logs and refuses by this; what may be done is decided below.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    pub caller: Caller,
    /// The principal's id; `None` for who came without a credential.
    pub id: Option<Arc<str>>,
    /// `None` where the credential says nothing of scopes.
    pub scopes: Option<Arc<[String]>>,
}

impl Identity {
    /// Whether its credential says in so many words that it may write.
    pub fn says_write(&self) -> bool {
        let scopes = self.scopes.as_deref().unwrap_or_default();
        scopes.iter().any(|scope| scope == scope::WRITE)
    }
}

/// Identities by the digest of the credential: the credential itself is not kept.
#[derive(Default)]
pub struct Callers {
    known: RwLock<HashMap<[u8; 32], Known>>,
}

struct Known {
    identity: Identity,
    until: Instant,
}

impl Callers {
    /// By the header `Authorization`.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        calls: &dyn Calls,
        trace: Trace,
    ) -> Result<Identity, Problem> {
        match bearer(headers)? {
            None => Ok(Identity::default()),
            Some(credential) => self.of_credential(credential, calls, trace).await,
        }
    }

    pub async fn of_credential(
        &self,
        credential: &str,
        calls: &dyn Calls,
        trace: Trace,
    ) -> Result<Identity, Problem> {
        let digest: [u8; 32] = Sha256::digest(credential).into();
        if let Some(identity) = self.known(&digest) {
            return Ok(identity);
        }
        let begun = Instant::now();
        let grant = verify(credential, calls, trace).await?;
        let identity = Identity {
            caller: Caller::Assertion(grant.assertion),
            id: Some(grant.id.into()),
            scopes: grant.scopes.map(Into::into),
        };
        // Half of its life, so that an assertion never runs out on the way.
        let life = Duration::from_secs(grant.expires_in) / 2;
        self.remember(digest, &identity, begun + life.min(LONGEST));
        Ok(identity)
    }

    fn known(&self, digest: &[u8; 32]) -> Option<Identity> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(digest)?;
        (known.until > Instant::now()).then(|| known.identity.clone())
    }

    fn remember(&self, digest: [u8; 32], identity: &Identity, until: Instant) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            let now = Instant::now();
            known.retain(|_, known| known.until > now);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(
            digest,
            Known {
                identity: identity.clone(),
                until,
            },
        );
    }
}

/// Another scheme than Bearer is nobody we know, rather than anonymous: who sends a credential means to be known.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .unwrap_or_default();
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(Some(token))
    } else {
        Err(Problem::new(Code::Unauthenticated)
            .detail("the header `authorization` is not of the form `Bearer <key or token>`"))
    }
}

async fn verify(credential: &str, calls: &dyn Calls, trace: Trace) -> Result<Grant, Problem> {
    let node = NodeName::of_model("auth", "verify");
    let credential = Credential {
        credential: credential.to_owned(),
    };
    let input = serde_json::to_vec(&credential).expect("a text is JSON");
    let mut call = Call::new(node, Caller::Anonymous, Body::json(input));
    call.trace = trace;
    // A read waits for a dataflow that is away; so does the question who reads.
    call.deadline = Some(Instant::now() + Duration::from_secs(25));
    let answer = calls.call(call).await?.body.collect(GRANT_BYTES).await?;
    serde_json::from_slice(&answer).map_err(|_| {
        Problem::new(Code::Unavailable)
            .detail("dataflow's answer about the credential cannot be read")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_bearers() {
        let cases = [
            ("Bearer abc", Ok(Some("abc"))),
            ("bearer  abc ", Ok(Some("abc"))),
            ("Basic abc", Err(())),
            ("Bearer", Err(())),
            ("Bearer ", Err(())),
            ("", Err(())),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, text.parse().unwrap())]);
            assert_eq!(bearer(&headers).map_err(drop), expected, "{text}");
        }
        assert_eq!(bearer(&HeaderMap::new()).map_err(drop), Ok(None));
    }
}
