//! Assertions of the caller: signed by dataflow, passed on by faces, which can neither make nor alter one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{Principal, Scope};

#[derive(Clone)]
pub struct Signer {
    /// With the key taken in, which is half of the work on a short text.
    keyed: Hmac<Sha256>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the assertion is not one of ours")]
    Forged,
    #[error("the assertion has expired")]
    Expired,
}

impl Signer {
    pub fn new(key: [u8; 32]) -> Self {
        let keyed = Hmac::new_from_slice(&key).expect("HMAC takes a key of any length");
        Self { keyed }
    }

    /// `base64url(payload).base64url(mac)`
    pub fn sign(&self, principal: &Principal, good_for: Duration) -> String {
        let expires = now() + good_for.as_secs();
        let scopes = principal.scopes.as_ref();
        let scopes = scopes.map(|scopes| scopes.iter().map(|scope| scope.as_str()).collect());
        let scopes: Option<Vec<_>> = scopes;
        let payload = json!({
            "id": principal.id, "roles": principal.roles, "tenant": principal.tenant, "scopes": scopes,
            "until": principal.until, "expires": expires,
        });
        let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
        let mac = self.seal("assertion", payload.as_bytes());
        format!("{payload}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    pub fn verify(&self, assertion: &str) -> Result<Principal, Refused> {
        let (payload, mac) = assertion.split_once('.').ok_or(Refused::Forged)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| Refused::Forged)?;
        if !self.is_sealed("assertion", payload.as_bytes(), &mac) {
            return Err(Refused::Forged);
        }
        let payload = URL_SAFE_NO_PAD
            .decode(payload)
            .map_err(|_| Refused::Forged)?;
        let payload: Value = serde_json::from_slice(&payload).map_err(|_| Refused::Forged)?;
        if payload["expires"]
            .as_u64()
            .is_none_or(|expires| expires <= now())
        {
            return Err(Refused::Expired);
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let roles = payload["roles"]
            .as_array()
            .map(|roles| roles.iter().filter_map(text).collect());
        Ok(Principal {
            id: text(&payload["id"]).ok_or(Refused::Forged)?,
            roles: roles.ok_or(Refused::Forged)?,
            tenant: text(&payload["tenant"]),
            scopes: scopes(&payload["scopes"])?,
            until: payload["until"].as_u64(),
        })
    }

    /// A MAC for `purpose`, so that what is sealed for one cannot pass for another.
    pub fn seal(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        self.mac(purpose, bytes).finalize().into_bytes().into()
    }

    /// In constant time, and of the whole MAC: a shorter one would be a second spelling of the same thing.
    pub fn is_sealed(&self, purpose: &str, bytes: &[u8], mac: &[u8]) -> bool {
        self.mac(purpose, bytes).verify_slice(mac).is_ok()
    }

    fn mac(&self, purpose: &str, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(bytes);
        mac
    }
}

/// Never wider than they were signed: what cannot be read is no assertion.
fn scopes(value: &Value) -> Result<Option<Vec<Scope>>, Refused> {
    let scope = |value: &Value| value.as_str().and_then(Scope::parse);
    match value {
        Value::Null => Ok(None),
        Value::Array(scopes) => {
            let scopes: Option<_> = scopes.iter().map(scope).collect();
            scopes.map(Some).ok_or(Refused::Forged)
        }
        _ => Err(Refused::Forged),
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_signed_and_is_fresh_verifies() {
        let signer = Signer::new([7; 32]);
        let principal = Principal {
            id: "k1".to_owned(),
            roles: vec!["editor".to_owned()],
            tenant: Some("a".to_owned()),
            scopes: Some(vec![Scope::Read]),
            until: Some(9_999_999_999),
        };
        let assertion = signer.sign(&principal, Duration::from_mins(1));
        assert_eq!(signer.verify(&assertion), Ok(principal.clone()));
        assert_eq!(
            signer.verify(&signer.sign(&principal, Duration::ZERO)),
            Err(Refused::Expired)
        );
        assert_eq!(
            Signer::new([8; 32]).verify(&assertion),
            Err(Refused::Forged)
        );
        for at in 0..assertion.len() {
            let mut altered = assertion.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            // The last character of base64 may carry unused bits, which decoding refuses or which change nothing.
            assert!(
                altered == assertion || signer.verify(&altered).is_err(),
                "{at}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn an_altered_assertion_never_verifies(
            at in proptest::prelude::any::<proptest::sample::Index>(),
            with in proptest::prelude::any::<char>(),
            cut in proptest::prelude::any::<bool>(),
        ) {
            let signer = Signer::new([7; 32]);
            let ada = Principal { id: "ada".to_owned(), roles: vec!["editor".to_owned()], ..Principal::default() };
            let assertion = signer.sign(&ada, Duration::from_hours(1));
            let at = at.index(assertion.len());
            let (before, rest) = assertion.split_at(at);
            let altered = if cut { before.to_owned() } else { format!("{before}{with}{}", &rest[1..]) };
            proptest::prop_assume!(altered != assertion);
            proptest::prop_assert_eq!(signer.verify(&altered), Err(Refused::Forged));
        }
    }
}
