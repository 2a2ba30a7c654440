//! Who calls, as the services pass it on.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What travels with each call: nothing, or the assertion that dataflow signed after it verified a credential.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub enum Caller {
    #[default]
    Anonymous,
    /// Opaque to every service but dataflow.
    Assertion(Arc<str>),
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "anonymous",
            Self::Assertion(_) => "assertion [redacted]",
        })
    }
}

/// Input of the hidden node `auth.verify`: a credential as a face received it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The token of `Authorization: Bearer`.
    pub credential: String,
}

/// Output of `auth.verify`.
#[derive(Serialize, Deserialize)]
pub struct Grant {
    pub assertion: Arc<str>,
    /// Seconds for which the assertion is good; ask again before.
    pub expires_in: u64,
    /// The principal's id, as it stands in `created_by`.
    pub id: String,
    pub roles: Vec<String>,
    /// Of [`crate::scope`], those that the credential has; `None` where it is not limited by any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
}

/// Output of the hidden node `auth.servers`: what faces tell clients that look for a token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuthServers {
    /// Whose tokens are taken, each as its `iss` says it.
    pub issuers: Vec<String>,
    /// What a token's `aud` must name one of.
    pub audiences: Vec<String>,
    /// The scopes that mean something here.
    pub scopes: Vec<String>,
}
