//! What of a call travels to a public API server: standard headers, and a key for who calls.

use http::{HeaderMap, HeaderValue, header};
use wire::{CallParts, CountWish, IfVersion, Reply};

use crate::BadAddress;
use crate::exchange::put;

pub(crate) struct Key(Option<HeaderValue>);

impl Key {
    pub(crate) fn new(key: Option<&str>) -> Result<Self, BadAddress> {
        let Some(key) = key else {
            return Ok(Self(None));
        };
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| BadAddress::Key)?;
        bearer.set_sensitive(true);
        Ok(Self(Some(bearer)))
    }

    pub(crate) fn write(&self, parts: &CallParts, headers: &mut HeaderMap) {
        if let Some(bearer) = &self.0 {
            headers.insert(header::AUTHORIZATION, bearer.clone());
        }
        put(headers, wire::header::TRACEPARENT, &parts.trace.to_string());
        put(headers, header::CONTENT_TYPE, parts.media.as_str());
        put(headers, header::ACCEPT, parts.options.accept.as_str());
        if let Some(key) = &parts.options.idempotency_key {
            put(headers, wire::header::IDEMPOTENCY_KEY, key);
        }
        if let Some(session) = &parts.options.session {
            put(headers, wire::header::SESSION, session);
        }
        match &parts.options.if_version {
            None => {}
            Some(IfVersion::Any) => put(headers, header::IF_MATCH, "*"),
            Some(IfVersion::OneOf(versions)) => {
                let tags: Vec<_> = versions
                    .iter()
                    .map(|version| format!("\"{version}\""))
                    .collect();
                put(headers, header::IF_MATCH, &tags.join(", "));
            }
        }
        let mut preferences = Vec::new();
        if parts.options.dry_run {
            preferences.push("tx=rollback".to_owned());
        }
        match parts.options.count {
            CountWish::None => {}
            CountWish::Planned => preferences.push("count=planned".to_owned()),
            CountWish::Exact => preferences.push("count=exact".to_owned()),
        }
        if let Some(most) = parts.options.max_affected {
            preferences.push(format!("max-affected={most}"));
        }
        if parts.options.reply == Reply::Minimal {
            preferences.push("return=minimal".to_owned());
        }
        if !preferences.is_empty() {
            put(
                headers,
                http::HeaderName::from_static("prefer"),
                &preferences.join(", "),
            );
        }
    }
}
