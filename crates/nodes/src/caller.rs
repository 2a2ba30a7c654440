//! From what travels with a call to who it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use access::{Principal, Refused, Signer};
use wire::{Caller, Code, Problem};

/// For how long an assertion is good.
pub(crate) const GOOD_FOR: Duration = Duration::from_secs(30);
/// For how long a verified assertion is believed without looking again: less than anybody could notice.
const REMEMBERED: Duration = Duration::from_secs(1);
const MOST_REMEMBERED: usize = 1024;

pub(crate) struct Callers {
    signer: Signer,
    /// Who an anonymous caller is.
    stranger: Arc<Principal>,
    known: Mutex<HashMap<Arc<str>, Known>>,
}

/// Who it is, and until when that is believed.
type Known = (Arc<Principal>, Instant);

impl Callers {
    pub(crate) fn new(signer: Signer, open: bool) -> Self {
        let stranger = if open {
            Principal::admin("admin")
        } else {
            Principal::anonymous()
        };
        Self {
            signer,
            stranger: Arc::new(stranger),
            known: Mutex::default(),
        }
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    pub(crate) fn find(&self, caller: &Caller) -> Result<Arc<Principal>, Problem> {
        let Caller::Assertion(assertion) = caller else {
            return Ok(Arc::clone(&self.stranger));
        };
        let now = Instant::now();
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((principal, until)) = lock().get(assertion)
            && *until > now
        {
            return Ok(Arc::clone(principal));
        }
        let principal = self.signer.verify(assertion).map_err(|refused| {
            let problem = Problem::new(Code::Unauthenticated).detail(refused.to_string());
            match refused {
                Refused::Expired => problem.hint("verify the credential again"),
                Refused::Forged => problem,
            }
        })?;
        let principal = Arc::new(principal);
        let mut known = lock();
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(
            Arc::clone(assertion),
            (Arc::clone(&principal), now + REMEMBERED),
        );
        Ok(principal)
    }
}
