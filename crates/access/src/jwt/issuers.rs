//! The issuers of a project, and the keys that each has at present.

use std::sync::{Arc, PoisonError, RwLock};

use model::{Auth, Issuer};
use wire::AuthServers;

use super::keys::{KeySet, Unfit};
use super::token::Token;
use super::{Refused, claims};
use crate::Principal;

/// Made once; whoever gets keys tells them here.
#[derive(Default)]
pub struct Issuers {
    audience: Vec<String>,
    known: Vec<Known>,
}

struct Known {
    issuer: Issuer,
    state: RwLock<State>,
}

#[derive(Clone)]
struct State {
    keys: Option<Arc<KeySet>>,
    trouble: Option<String>,
}

/// How it is with one issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub name: String,
    /// Its tokens can be verified.
    pub has_keys: bool,
    /// Why there are no newer keys.
    pub trouble: Option<String>,
}

impl Issuers {
    pub fn new(auth: Auth) -> Self {
        let state = State {
            keys: None,
            trouble: Some("its keys were not read yet".to_owned()),
        };
        let known = auth.issuers.into_iter().map(|issuer| Known {
            issuer,
            state: RwLock::new(state.clone()),
        });
        Self {
            known: known.collect(),
            audience: auth.audience,
        }
    }

    pub fn servers(&self) -> AuthServers {
        let issuers = self.known.iter();
        AuthServers {
            issuers: issuers.map(|known| known.issuer.issuer.clone()).collect(),
            audiences: self.audience.clone(),
            scopes: wire::scope::KNOWN.map(str::to_owned).into(),
        }
    }

    /// Of the issuer at this place.
    pub fn learn(&self, place: usize, keys: KeySet) {
        self.set(place, |state| {
            *state = State {
                keys: Some(Arc::new(keys)),
                trouble: None,
            }
        });
    }

    /// There are no newer keys, for this reason; old ones go where they are too old.
    pub fn fail(&self, place: usize, why: String, forget: bool) {
        self.set(place, |state| {
            state.trouble = Some(why);
            if forget {
                state.keys = None;
            }
        });
    }

    fn set(&self, place: usize, change: impl FnOnce(&mut State)) {
        if let Some(known) = self.known.get(place) {
            change(&mut known.state.write().unwrap_or_else(PoisonError::into_inner));
        }
    }

    pub fn standings(&self) -> Vec<Standing> {
        let standing = |known: &Known| {
            let state = known.state();
            Standing {
                name: known.issuer.name.clone(),
                has_keys: state.keys.is_some(),
                trouble: state.trouble,
            }
        };
        self.known.iter().map(standing).collect()
    }

    /// Who holds the token. `now` in seconds since 1970.
    pub fn verify(&self, token: &str, now: u64) -> Result<Principal, Refused> {
        let token = Token::read(token)?;
        let named = token.claims.get("iss").and_then(serde_json::Value::as_str);
        let named = named.ok_or(Refused::Issuer)?;
        let mut known = self.known.iter();
        let place = known.position(|known| known.issuer.issuer == named);
        let place = place.ok_or(Refused::Issuer)?;
        let known = &self.known[place];
        let allowed = known.issuer.algorithms.as_ref();
        if allowed.is_some_and(|allowed| !allowed.contains(&token.algorithm)) {
            return Err(Refused::Algorithm);
        }
        let keys = known.state().keys.ok_or(Refused::NoKeys(place))?;
        keys.verify(&token).map_err(|unfit| match unfit {
            Unfit::NoKey => Refused::Key(place),
            Unfit::Algorithm => Refused::Algorithm,
            Unfit::Signature => Refused::Signature,
        })?;
        claims::principal(&known.issuer, &self.audience, &token.claims, now)
    }
}

impl Known {
    fn state(&self) -> State {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.clone()
    }
}
