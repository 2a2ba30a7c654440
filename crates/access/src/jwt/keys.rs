//! The keys of an issuer (RFC 7517, RFC 7518, RFC 8037), each good only for what it was made for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Algorithm;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use ring::{error::Unspecified, hmac};
use serde_json::Value;

use super::token::{self, Token};

/// Each of which a token without a `kid` is tried with.
const MOST_KEYS: usize = 100;
/// As long as the shortest hash: RFC 7518, 3.2.
const SHORTEST_SECRET: usize = 32;

pub struct KeySet(Vec<Key>);

struct Key {
    kid: Option<String>,
    allowed: Vec<Algorithm>,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point, or whatever the curve has for one.
    Curve(Vec<u8>),
}

/// Why these are no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKeys {
    #[error("it is no JSON of the form {{\"keys\": […]}}")]
    Form,
    #[error("none of its keys can verify a token: RSA of 2048 bits, P-256, P-384 and Ed25519 can")]
    None,
    #[error("it has more than {MOST_KEYS} keys")]
    TooMany,
    #[error("the secret has less than {SHORTEST_SECRET} bytes")]
    ShortSecret,
}

/// Why no key verifies a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    NoKey,
    Algorithm,
    Signature,
}

impl KeySet {
    /// A key set's text. Keys of unknown kinds are passed over, as RFC 7517 asks, and secrets too: who publishes one has none.
    pub fn read(text: &[u8]) -> Result<Self, BadKeys> {
        let set: Value = serde_json::from_slice(text).map_err(|_| BadKeys::Form)?;
        let listed = set["keys"].as_array().ok_or(BadKeys::Form)?;
        if listed.len() > MOST_KEYS {
            return Err(BadKeys::TooMany);
        }
        let keys: Vec<_> = listed.iter().filter_map(read_key).collect();
        if keys.is_empty() {
            return Err(BadKeys::None);
        }
        Ok(Self(keys))
    }

    /// What a file with a secret holds. Its last line end does not count.
    pub fn of_secret(bytes: &[u8]) -> Result<Self, BadKeys> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() < SHORTEST_SECRET {
            return Err(BadKeys::ShortSecret);
        }
        Ok(Self(vec![Key {
            kid: None,
            allowed: vec![Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512],
            material: Material::Secret(bytes.to_vec()),
        }]))
    }

    /// With the keys that the token names, else with those that have no name; where it names none, with each.
    pub(super) fn verify(&self, token: &Token<'_>) -> Result<(), Unfit> {
        let of = |kid: &Option<String>| {
            let keys = self.0.iter().filter(|key| key.kid == *kid);
            keys.collect::<Vec<_>>()
        };
        let mut keys = match &token.kid {
            Some(_) => of(&token.kid),
            None => self.0.iter().collect(),
        };
        let is_named = token.kid.is_some() && !keys.is_empty();
        if keys.is_empty() {
            keys = of(&None);
        }
        if keys.is_empty() {
            return Err(Unfit::NoKey);
        }
        keys.retain(|key| key.allowed.contains(&token.algorithm));
        if keys.is_empty() {
            return Err(Unfit::Algorithm);
        }
        let is_good = |key: &&Key| key.verify(token).is_ok();
        if keys.iter().any(is_good) {
            return Ok(());
        }
        // A key that has no name may have been replaced by another without one.
        Err(if is_named {
            Unfit::Signature
        } else {
            Unfit::NoKey
        })
    }
}

impl Key {
    fn verify(&self, token: &Token<'_>) -> Result<(), Unspecified> {
        let (signed, signature) = (token.signed.as_bytes(), token.signature.as_slice());
        match (&self.material, how(token.algorithm)) {
            (Material::Secret(secret), How::Mac(digest)) => {
                hmac::verify(&hmac::Key::new(digest, secret), signed, signature)
            }
            (Material::Rsa { n, e }, How::Rsa(parameters)) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, signed, signature)
            }
            (Material::Curve(point), How::Curve(curve)) => {
                UnparsedPublicKey::new(curve, point).verify(signed, signature)
            }
            _ => Err(Unspecified),
        }
    }
}

/// An algorithm by the kind of key that it takes.
enum How {
    Mac(hmac::Algorithm),
    Rsa(&'static RsaParameters),
    Curve(&'static dyn VerificationAlgorithm),
}

fn how(algorithm: Algorithm) -> How {
    match algorithm {
        Algorithm::Hs256 => How::Mac(hmac::HMAC_SHA256),
        Algorithm::Hs384 => How::Mac(hmac::HMAC_SHA384),
        Algorithm::Hs512 => How::Mac(hmac::HMAC_SHA512),
        Algorithm::Rs256 => How::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => How::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => How::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => How::Rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => How::Rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => How::Rsa(&RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 => How::Curve(&ECDSA_P256_SHA256_FIXED),
        Algorithm::Es384 => How::Curve(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDsa => How::Curve(&ED25519),
    }
}

/// `None` where it is not for verifying, or of a kind that is not known.
fn read_key(key: &Value) -> Option<Key> {
    if key.get("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    if let Some(operations) = key.get("key_ops")
        && !operations.as_array()?.iter().any(|one| one == "verify")
    {
        return None;
    }
    let (material, fitting) = read_material(key)?;
    let allowed = match key.get("alg") {
        None => fitting,
        Some(named) => {
            let named = token::named(named.as_str()?)?;
            fitting.contains(&named).then(|| vec![named])?
        }
    };
    let kid = key.get("kid").and_then(Value::as_str).map(str::to_owned);
    Some(Key {
        kid,
        allowed,
        material,
    })
}

/// The key, and what its kind allows.
fn read_material(key: &Value) -> Option<(Material, Vec<Algorithm>)> {
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(key[name].as_str()?).ok()?;
        let first = bytes.iter().position(|byte| *byte != 0)?;
        Some(bytes[first..].to_vec())
    };
    match (key["kty"].as_str()?, key["crv"].as_str()) {
        ("RSA", None) => {
            let (n, e) = (number("n")?, number("e")?);
            let allowed = vec![
                Algorithm::Rs256,
                Algorithm::Rs384,
                Algorithm::Rs512,
                Algorithm::Ps256,
                Algorithm::Ps384,
                Algorithm::Ps512,
            ];
            let is_long = (256..=1024).contains(&n.len());
            is_long.then_some((Material::Rsa { n, e }, allowed))
        }
        ("EC", Some("P-256")) => {
            let point = point(&number("x")?, &number("y")?, 32)?;
            Some((Material::Curve(point), vec![Algorithm::Es256]))
        }
        ("EC", Some("P-384")) => {
            let point = point(&number("x")?, &number("y")?, 48)?;
            Some((Material::Curve(point), vec![Algorithm::Es384]))
        }
        ("OKP", Some("Ed25519")) => {
            let x = URL_SAFE_NO_PAD.decode(key["x"].as_str()?).ok()?;
            (x.len() == 32).then_some((Material::Curve(x), vec![Algorithm::EdDsa]))
        }
        _ => None,
    }
}

/// Uncompressed (SEC 1, 2.3.3); some issuers leave zeros before a coordinate out.
fn point(x: &[u8], y: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut point = vec![4];
    for coordinate in [x, y] {
        let zeros = len.checked_sub(coordinate.len())?;
        point.resize(point.len() + zeros, 0);
        point.extend_from_slice(coordinate);
    }
    Some(point)
}
