//! The claims of a token whose signature is good: whether it is for us and now, and who holds it.

use std::time::Duration;

use model::Issuer;
use serde_json::{Map, Value};

use super::Refused;
use crate::{ANYONE, Principal, Scope};

type Claims = Map<String, Value>;

/// `now` in seconds since 1970.
pub(super) fn principal(
    issuer: &Issuer,
    audience: &[String],
    claims: &Claims,
    now: u64,
) -> Result<Principal, Refused> {
    let until = check_time(claims, issuer.leeway.as_secs(), now)?;
    if !words(claims.get("aud"), false).any(|named| audience.iter().any(|own| own == named)) {
        return Err(Refused::Audience);
    }
    let subject = find(claims, &issuer.subject).and_then(Value::as_str);
    let subject = subject.filter(|text| is_short(text));
    let subject = subject.ok_or(Refused::Claim("subject"))?;
    let tenant = match &issuer.tenant {
        None => None,
        // Who has none and the role `admin` would be everybody's admin.
        Some(claim) => {
            let tenant = find(claims, claim).and_then(Value::as_str);
            let tenant = tenant.filter(|text| is_short(text));
            Some(tenant.ok_or(Refused::Claim("tenant"))?.to_owned())
        }
    };
    let roles = words(find(claims, &issuer.roles), true);
    let mut roles: Vec<_> = roles
        .filter(|role| is_role(role))
        .map(str::to_owned)
        .collect();
    roles.sort_unstable();
    roles.dedup();
    Ok(Principal {
        id: format!("{}:{subject}", issuer.name),
        roles,
        tenant,
        scopes: Some(scopes(claims)),
        until: Some(until),
    })
}

/// When it expires. A clock may be off by `leeway`.
fn check_time(claims: &Claims, leeway: u64, now: u64) -> Result<u64, Refused> {
    let at = |name: &'static str| match claims.get(name) {
        None => Ok(None),
        Some(at) => seconds(at).map(Some).ok_or(Refused::Claim(name)),
    };
    let until = at("exp")?.ok_or(Refused::Claim("exp"))?;
    if until.saturating_add(leeway) <= now {
        return Err(Refused::Expired);
    }
    for name in ["nbf", "iat"] {
        if at(name)?.is_some_and(|from| from > now.saturating_add(leeway)) {
            return Err(Refused::NotYet);
        }
    }
    Ok(until)
}

/// RFC 7519, 2: it may have a fraction.
fn seconds(value: &Value) -> Option<u64> {
    let whole = value.as_u64();
    whole.or_else(|| Some(Duration::try_from_secs_f64(value.as_f64()?).ok()?.as_secs()))
}

/// `scope` is a text with spaces (RFC 8693, 4.2), `scp` most often a list. A token that has neither only reads.
fn scopes(claims: &Claims) -> Vec<Scope> {
    let given = claims.get("scope").or_else(|| claims.get("scp"));
    if given.is_none() {
        return vec![Scope::Read];
    }
    let mut scopes: Vec<_> = words(given, true).filter_map(Scope::parse).collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// The claim of this name, which may have dots in it; else the dots lead into objects.
fn find<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

/// The texts of a list, or a text, whose spaces may part words.
fn words(value: Option<&Value>, parted: bool) -> impl Iterator<Item = &str> {
    let (list, text) = match value {
        Some(Value::Array(list)) => (list.as_slice(), None),
        Some(Value::String(text)) => (&[][..], Some(text.as_str())),
        _ => (&[][..], None),
    };
    let whole = text.filter(|_| !parted);
    let parts = text.filter(|_| parted).into_iter();
    let parts = parts.flat_map(str::split_ascii_whitespace);
    list.iter()
        .filter_map(Value::as_str)
        .chain(whole)
        .chain(parts)
}

/// A word as models' rules name roles. What is none could be in no rule.
fn is_role(role: &str) -> bool {
    role != ANYONE
        && role.len() <= 63
        && role.starts_with(|c: char| c.is_ascii_lowercase())
        && role
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Fit for a column, a header and a log.
fn is_short(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
