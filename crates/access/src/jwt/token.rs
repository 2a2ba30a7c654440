//! A token's text in its parts (RFC 7515, compact), nothing of which is believed yet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Algorithm;
use serde_json::{Map, Value};

use super::Refused;

/// No honest token is longer, and no header of a request should be.
pub(super) const MOST_BYTES: usize = 8 << 10;

/// Of access tokens, with or without the prefix that RFC 7515 lets leave out; identity tokens often say nothing.
const KINDS: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

pub(super) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) claims: Map<String, Value>,
    /// What the signature is over.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Token<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Refused> {
        if text.len() > MOST_BYTES {
            return Err(Refused::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Refused::Malformed("form"))?;
        let (header, claims) = signed.split_once('.').ok_or(Refused::Malformed("form"))?;
        let header = object(header).ok_or(Refused::Malformed("header"))?;
        if header.contains_key("crit") {
            return Err(Refused::Critical);
        }
        let kind = text_of(&header, "typ")?;
        if kind.is_some_and(|kind| !KINDS.iter().any(|known| known.eq_ignore_ascii_case(kind))) {
            return Err(Refused::Kind);
        }
        let algorithm = text_of(&header, "alg")?.ok_or(Refused::Malformed("header"))?;
        Ok(Self {
            algorithm: named(algorithm).ok_or(Refused::Algorithm)?,
            kid: text_of(&header, "kid")?.map(str::to_owned),
            claims: object(claims).ok_or(Refused::Malformed("claims"))?,
            signed,
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|_| Refused::Malformed("signature"))?,
        })
    }
}

/// `Ed25519` is what RFC 9864 calls the only `EdDSA` that is taken here.
pub(super) fn named(algorithm: &str) -> Option<Algorithm> {
    match algorithm {
        "Ed25519" => Some(Algorithm::EdDsa),
        name => Algorithm::parse(name),
    }
}

fn text_of<'a>(header: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refused> {
    match header.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(Refused::Malformed("header")),
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}
