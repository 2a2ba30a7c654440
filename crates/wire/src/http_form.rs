//! Calls and answers as HTTP between our own services: the meta in headers, the body as it is.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    Caller, Code, Count, CountWish, IfVersion, Media, Meta, Options, Problem, Reply, Trace,
};

/// Names of the headers, for those who read or write single ones.
pub mod header {
    use http::HeaderName;

    pub const ASSERTION: HeaderName = HeaderName::from_static("gantry-caller");
    pub const DEADLINE_MS: HeaderName = HeaderName::from_static("gantry-deadline-ms");
    pub const IF_VERSION: HeaderName = HeaderName::from_static("gantry-if-version");
    pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
    pub const DRY_RUN: HeaderName = HeaderName::from_static("gantry-dry-run");
    pub const COUNT: HeaderName = HeaderName::from_static("gantry-count");
    pub const MAX_AFFECTED: HeaderName = HeaderName::from_static("gantry-max-affected");
    pub const REPLY: HeaderName = HeaderName::from_static("gantry-reply");
    pub const SESSION: HeaderName = HeaderName::from_static("gantry-session");
    pub const STEP: HeaderName = HeaderName::from_static("gantry-step");
    pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
    pub const META: HeaderName = HeaderName::from_static("gantry-meta");
}

/// What of a [`crate::Call`] travels in headers.
#[derive(Debug, Clone, PartialEq)]
pub struct CallParts {
    pub caller: Caller,
    pub media: Media,
    pub options: Options,
    pub deadline: Option<Instant>,
    pub trace: Trace,
}

fn bad(name: &HeaderName) -> Problem {
    Problem::new(Code::BadRequest).detail(format!(
        "the header `{name}` has a value that cannot be read"
    ))
}

impl CallParts {
    pub fn write(&self, headers: &mut HeaderMap) {
        let mut put = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        put(header::TRACEPARENT, &self.trace.to_string());
        put(http::header::CONTENT_TYPE, self.media.as_str());
        put(http::header::ACCEPT, self.options.accept.as_str());
        if let Caller::Assertion(assertion) = &self.caller {
            put(header::ASSERTION, assertion);
        }
        if let Some(deadline) = self.deadline {
            let left = deadline
                .saturating_duration_since(Instant::now())
                .as_millis();
            put(header::DEADLINE_MS, &left.to_string());
        }
        match &self.options.if_version {
            None => {}
            Some(IfVersion::Any) => put(header::IF_VERSION, "*"),
            Some(IfVersion::OneOf(versions)) => {
                let versions: Vec<_> = versions.iter().map(i64::to_string).collect();
                put(header::IF_VERSION, &versions.join(","));
            }
        }
        if let Some(key) = &self.options.idempotency_key {
            put(header::IDEMPOTENCY_KEY, key);
        }
        if self.options.dry_run {
            put(header::DRY_RUN, "true");
        }
        match self.options.count {
            CountWish::None => {}
            CountWish::Planned => put(header::COUNT, "planned"),
            CountWish::Exact => put(header::COUNT, "exact"),
        }
        if let Some(most) = self.options.max_affected {
            put(header::MAX_AFFECTED, &most.to_string());
        }
        if self.options.reply == Reply::Minimal {
            put(header::REPLY, "minimal");
        }
        if let Some(session) = &self.options.session {
            put(header::SESSION, session);
        }
        if let Some(step) = &self.options.step {
            put(
                header::STEP,
                &serde_json::to_string(step).expect("a step holds only text and numbers"),
            );
        }
    }

    pub fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let text = |name: HeaderName| match headers.get(&name) {
            None => Ok(None),
            Some(value) => value
                .to_str()
                .map(|text| Some(text.to_owned()))
                .map_err(|_| bad(&name)),
        };
        let media = |name: HeaderName| match text(name.clone())? {
            None => Ok(Media::Json),
            Some(value) => Media::from_content_type(&value).ok_or_else(|| bad(&name)),
        };
        let number = |name: HeaderName| match text(name.clone())? {
            None => Ok(None),
            Some(value) => value.parse::<u64>().map(Some).map_err(|_| bad(&name)),
        };
        let deadline_ms = number(header::DEADLINE_MS)?;
        Ok(Self {
            caller: text(header::ASSERTION)?
                .map_or(Caller::Anonymous, |text| Caller::Assertion(text.into())),
            media: media(http::header::CONTENT_TYPE)?,
            deadline: deadline_ms
                .and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms))),
            trace: text(header::TRACEPARENT)?
                .and_then(|text| text.parse().ok())
                .unwrap_or_else(Trace::random),
            options: Options {
                accept: media(http::header::ACCEPT)?,
                if_version: text(header::IF_VERSION)?
                    .map(|text| if_version(&text))
                    .transpose()?,
                idempotency_key: text(header::IDEMPOTENCY_KEY)?,
                dry_run: text(header::DRY_RUN)?.is_some_and(|text| text == "true"),
                count: match text(header::COUNT)?.as_deref() {
                    None => CountWish::None,
                    Some("planned") => CountWish::Planned,
                    Some("exact") => CountWish::Exact,
                    Some(_) => return Err(bad(&header::COUNT)),
                },
                max_affected: number(header::MAX_AFFECTED)?,
                reply: match text(header::REPLY)?.as_deref() {
                    None => Reply::Representation,
                    Some("minimal") => Reply::Minimal,
                    Some(_) => return Err(bad(&header::REPLY)),
                },
                session: text(header::SESSION)?,
                step: match text(header::STEP)? {
                    None => None,
                    Some(step) => {
                        Some(serde_json::from_str(&step).map_err(|_| bad(&header::STEP))?)
                    }
                },
            },
        })
    }
}

fn if_version(text: &str) -> Result<IfVersion, Problem> {
    if text == "*" {
        return Ok(IfVersion::Any);
    }
    let versions = text.split(',').map(|part| part.trim().parse::<i64>());
    versions
        .collect::<Result<_, _>>()
        .map(IfVersion::OneOf)
        .map_err(|_| bad(&header::IF_VERSION))
}

/// What of an [`crate::Answer`] travels in headers: one, compact, since only our own services read it.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerParts {
    pub media: Media,
    pub meta: Meta,
}

impl AnswerParts {
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static(self.media.as_str()),
        );
        let text = self.meta.to_text();
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(header::META, value);
        }
    }

    pub fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let garbled = || {
            Problem::new(Code::Unavailable)
                .detail("dataflow answered with a header that cannot be read")
        };
        let text = |name: HeaderName| {
            headers
                .get(name)
                .map(|value| value.to_str().map_err(|_| garbled()))
                .transpose()
        };
        let media =
            text(http::header::CONTENT_TYPE)?.map_or(Some(Media::Json), Media::from_content_type);
        let meta = Meta::from_text(text(header::META)?.unwrap_or("")).ok_or_else(garbled)?;
        Ok(Self {
            media: media.ok_or_else(garbled)?,
            meta,
        })
    }
}

impl Meta {
    /// Compact, since only our own services read it.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        let mut put = |name: char, value: &str| {
            if !text.is_empty() {
                text.push(';');
            }
            text.push(name);
            text.push_str(value);
        };
        if let Some(id) = self.id {
            put('i', &id.to_string());
        }
        if let Some(version) = self.version {
            put('v', &version.to_string());
        }
        if let Some(count) = self.count {
            put(
                if count.exact { 'c' } else { 'p' },
                &count.records.to_string(),
            );
        }
        if let Some(rows) = self.rows {
            put('n', &rows.to_string());
        }
        if self.offset > 0 {
            put('o', &self.offset.to_string());
        }
        if let Some(affected) = self.affected {
            put('a', &affected.to_string());
        }
        if let Some(cursor) = &self.cursor {
            put('u', cursor);
        }
        for (flag, name) in [
            (self.created, 'C'),
            (self.replayed, 'R'),
            (self.truncated, 'T'),
            (self.rolled_back, 'B'),
        ] {
            if flag {
                put(name, "");
            }
        }
        text
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut meta = Self::default();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
            let number = || value.parse::<u64>().ok();
            let count = |exact| {
                Some(Count {
                    records: number()?,
                    exact,
                })
            };
            match name {
                "i" => meta.id = Some(value.parse().ok()?),
                "v" => meta.version = Some(value.parse().ok()?),
                "c" => meta.count = Some(count(true)?),
                "p" => meta.count = Some(count(false)?),
                "n" => meta.rows = Some(number()?),
                "o" => meta.offset = number()?,
                "a" => meta.affected = Some(number()?),
                "u" => meta.cursor = Some(value.to_owned()),
                "C" => meta.created = true,
                "R" => meta.replayed = true,
                "T" => meta.truncated = true,
                "B" => meta.rolled_back = true,
                _ => return None,
            }
        }
        Some(meta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_and_an_answer_read_back_from_their_headers() {
        let call = CallParts {
            caller: Caller::Assertion("a.b".into()),
            media: Media::Csv,
            options: Options {
                accept: Media::JsonLines,
                if_version: Some(IfVersion::OneOf(vec![3, 4])),
                idempotency_key: Some("k1".to_owned()),
                dry_run: true,
                count: CountWish::Exact,
                max_affected: Some(7),
                reply: Reply::Minimal,
                session: Some("s".to_owned()),
                step: Some(crate::Step {
                    run: uuid::Uuid::nil(),
                    epoch: 1,
                    path: "a/b".to_owned(),
                    lease: uuid::Uuid::nil(),
                }),
            },
            deadline: None,
            trace: Trace::random(),
        };
        let mut headers = HeaderMap::new();
        call.write(&mut headers);
        assert_eq!(CallParts::read(&headers).unwrap(), call);

        let answer = AnswerParts {
            media: Media::Json,
            meta: Meta {
                id: Some(uuid::Uuid::nil()),
                version: Some(3),
                created: true,
                count: Some(Count {
                    records: 9,
                    exact: false,
                }),
                rows: Some(2),
                offset: 40,
                affected: Some(1),
                cursor: Some("abc".to_owned()),
                replayed: true,
                truncated: false,
                rolled_back: true,
            },
        };
        let mut headers = HeaderMap::new();
        answer.write(&mut headers);
        assert_eq!(AnswerParts::read(&headers).unwrap(), answer);
    }
}
