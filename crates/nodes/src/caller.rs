//! From what travels with a call to who it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use access::{Principal, Refused, Signer};
use arc_swap::ArcSwapOption;
use wire::{Caller, Code, Problem};

use crate::live::Live;
use crate::view::View;

/// For how long an assertion is good.
pub(crate) const GOOD_FOR: Duration = Duration::from_secs(30);
/// For how long a verified assertion is believed without looking again: less than anybody could notice.
const REMEMBERED: Duration = Duration::from_secs(1);
const MOST_REMEMBERED: usize = 1024;

pub(crate) struct Callers {
    signer: Signer,
    /// Who an anonymous caller is.
    stranger: Arc<Who>,
    known: Mutex<HashMap<Arc<str>, Known>>,
}

/// Who it is, and until when that is believed.
type Known = (Arc<Who>, Instant);

/// A caller, and what the models look like to them as long as those are served.
pub(crate) struct Who {
    pub(crate) principal: Principal,
    seen: ArcSwapOption<Seen>,
}

struct Seen {
    /// Not kept from its end: that is when the last call that began with it ends.
    live: Weak<Live>,
    view: Arc<View>,
}

impl Who {
    fn new(principal: Principal) -> Arc<Self> {
        Arc::new(Self {
            principal,
            seen: ArcSwapOption::empty(),
        })
    }

    pub(crate) fn view(&self, live: &Arc<Live>) -> Arc<View> {
        if let Some(seen) = &*self.seen.load()
            && std::ptr::eq(seen.live.as_ptr(), Arc::as_ptr(live))
        {
            return Arc::clone(&seen.view);
        }
        let view = live.view(&self.principal);
        self.seen.store(Some(Arc::new(Seen {
            live: Arc::downgrade(live),
            view: Arc::clone(&view),
        })));
        view
    }
}

impl Callers {
    pub(crate) fn new(signer: Signer, open: bool) -> Self {
        let stranger = if open {
            Principal::admin("admin")
        } else {
            Principal::anonymous()
        };
        Self {
            signer,
            stranger: Who::new(stranger),
            known: Mutex::default(),
        }
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    pub(crate) fn find(&self, caller: &Caller) -> Result<Arc<Who>, Problem> {
        let Caller::Assertion(assertion) = caller else {
            return Ok(Arc::clone(&self.stranger));
        };
        let now = Instant::now();
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((who, until)) = lock().get(assertion)
            && *until > now
        {
            return Ok(Arc::clone(who));
        }
        let principal = self.signer.verify(assertion).map_err(|refused| {
            let problem = Problem::new(Code::Unauthenticated).detail(refused.to_string());
            match refused {
                Refused::Expired => problem.hint("verify the credential again"),
                Refused::Forged => problem,
            }
        })?;
        let who = Who::new(principal);
        let mut known = lock();
        if known.len() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(Arc::clone(assertion), (Arc::clone(&who), now + REMEMBERED));
        Ok(who)
    }
}
