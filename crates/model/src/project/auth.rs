//! `auth:` of gantry.yaml: whose tokens are taken, and what is read from them.

use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::measure;
use crate::source::Source;
use crate::yaml::{Node, Yaml};

const LEEWAY: Duration = Duration::from_secs(30);
/// A clock that is further off is to be set, not to be put up with.
const MOST_LEEWAY: Duration = Duration::from_mins(5);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Auth {
    /// What a token's `aud` must name one of.
    pub audience: Vec<String>,
    pub issuers: Vec<Issuer>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Stands before the subject in a principal's id, so that ids of two issuers, and of keys, are never the same.
    pub name: String,
    /// As `iss` says it.
    pub issuer: String,
    pub keys: KeySource,
    /// Instead of those that are built in, the roots to trust for the keys' address: a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Those that its keys allow, unless said.
    pub algorithms: Option<Vec<Algorithm>>,
    /// The claim that has the roles.
    pub roles: String,
    pub tenant: Option<String>,
    pub subject: String,
    pub leeway: Duration,
}

/// Where the keys are with which tokens are verified. Files are relative to the project's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// Of a key set (RFC 7517).
    Address(String),
    File(PathBuf),
    /// A shared secret, its bytes as they are but for a last line end.
    Secret(PathBuf),
}

/// How a token may be signed (RFC 7518, 3.1; RFC 8037). `none` is not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Self; 12] = [
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];
    pub(crate) const NAMES: [&'static str; 12] = [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "EdDSA",
    ];

    /// As `alg` says it.
    pub fn parse(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Self::ALL[place])
    }

    /// Whether the key that verifies can also sign.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

/// The form was checked before.
pub(super) fn read(source: &mut Source, node: &Node) -> Auth {
    let audience = node.get("audience").map(texts).unwrap_or_default();
    let mut issuers: Vec<Issuer> = Vec::new();
    let given = node.get("issuers");
    for node in given.map_or(&[][..], Node::items) {
        let Some(issuer) = read_issuer(source, node) else {
            continue;
        };
        for other in &issuers {
            if other.issuer == issuer.issuer {
                let message = format!("the issuer `{}` stands twice", issuer.issuer);
                source.mistake(node.get("issuer").unwrap_or(node).at, message, None);
            } else if other.name == issuer.name {
                let message = format!("two issuers have the name `{}`", issuer.name);
                let hint = Some("give each a `name` of its own".to_owned());
                source.mistake(node.get("name").unwrap_or(node).at, message, hint);
            }
        }
        issuers.push(issuer);
    }
    if let (Some(given), true) = (given, audience.is_empty()) {
        let hint = "write the address by which clients know this platform, as in audience: [https://data.example.com]";
        let message = "issuers need an `audience` that their tokens are for";
        source.mistake(given.at, message, Some(hint.to_owned()));
    }
    Auth { audience, issuers }
}

/// One text, or a list of them.
fn texts(node: &Node) -> Vec<String> {
    match (&node.yaml, node.text()) {
        (Yaml::List(_), _) => node.texts().map(|(text, _)| text.to_owned()).collect(),
        (_, text) => text.map(str::to_owned).into_iter().collect(),
    }
}

fn read_issuer(source: &mut Source, node: &Node) -> Option<Issuer> {
    let text = |name| node.get(name).and_then(Node::text).map(str::to_owned);
    let issuer = text("issuer")?;
    let keys = read_keys(source, node);
    let leeway = node.get("leeway").and_then(|node| {
        let leeway = measure::duration(node.text()?)?;
        if leeway > MOST_LEEWAY {
            source.mistake(node.at, "a leeway is 5m at most", None);
        }
        Some(leeway)
    });
    let algorithms = node
        .get("algorithms")
        .map(|list| read_algorithms(source, list, keys.as_ref()));
    if let (Some(file), Some(KeySource::File(_) | KeySource::Secret(_))) =
        (node.get("ca_file"), &keys)
    {
        source.mistake(file.at, "`ca_file` is for keys at an address", None);
    }
    Some(Issuer {
        name: read_name(source, node, &issuer)?,
        keys: keys?,
        ca_file: text("ca_file").map(PathBuf::from),
        algorithms,
        roles: text("roles").unwrap_or_else(|| "roles".to_owned()),
        tenant: text("tenant"),
        subject: text("subject").unwrap_or_else(|| "sub".to_owned()),
        leeway: leeway.unwrap_or(LEEWAY),
        issuer,
    })
}

/// As said, else the first label of the issuer's host.
fn read_name(source: &mut Source, node: &Node, issuer: &str) -> Option<String> {
    let is_name = |name: &str| {
        let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 32
            && name.bytes().all(is_letter)
    };
    if let Some(named) = node.get("name") {
        let name = named.text()?;
        if !is_name(name) {
            let message = "an issuer's name is 1 to 32 of a-z, 0-9 and -, a letter first";
            source.mistake(named.at, message, None);
        }
        return Some(name.to_owned());
    }
    let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    let label = host.split(['.', ':', '/']).next().unwrap_or_default();
    let name = label.to_ascii_lowercase();
    if !is_name(&name) {
        let hint = Some("write name: login".to_owned());
        source.mistake(node.at, "this issuer needs a `name`", hint);
        return None;
    }
    Some(name)
}

fn read_keys(source: &mut Source, node: &Node) -> Option<KeySource> {
    match (node.get("keys"), node.get("secret_file")) {
        (Some(_), Some(secret)) => {
            let message = "an issuer has `keys` or a `secret_file`, not both";
            source.mistake(secret.at, message, None);
            None
        }
        (None, None) => {
            let hint = Some("write keys: https://login.example.com/jwks.json".to_owned());
            source.mistake(node.at, "this issuer has no `keys`", hint);
            None
        }
        (None, Some(secret)) => Some(KeySource::Secret(PathBuf::from(secret.text()?))),
        (Some(keys), None) => {
            let text = keys.text()?;
            if let Some(file) = text.strip_prefix("file:") {
                return Some(KeySource::File(PathBuf::from(file)));
            }
            if text.contains("://") {
                if let Err((message, hint)) = check_address(text) {
                    source.mistake(keys.at, message, Some(hint.to_owned()));
                }
                return Some(KeySource::Address(text.to_owned()));
            }
            let path = Path::new(text);
            let is_below = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            if !is_below {
                let message = format!("`{text}` is no file below the project");
                let hint = Some(format!("write file:{text} where that is meant"));
                source.mistake(keys.at, message, hint);
            }
            Some(KeySource::File(path.to_owned()))
        }
    }
}

/// Keys that someone on the way could replace would let them in.
fn check_address(text: &str) -> Result<(), (String, &'static str)> {
    const FORM: &str = "write https://login.example.com/jwks.json";
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let is_clean = !rest.contains(['#', '@', ' ', '\\']) && !rest.contains(char::is_control);
    if host.is_empty() || !is_clean || !text.is_ascii() {
        return Err((format!("`{text}` is no address of keys"), FORM));
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        // `localhost`, or a service's name in a compose file.
        Err(_) => !bare.contains('.'),
    };
    match scheme {
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        "http" => Err((
            "keys over http are taken from this machine or a service beside this one only"
                .to_owned(),
            FORM,
        )),
        _ => Err((format!("keys are fetched by https, not {scheme}"), FORM)),
    }
}

fn read_algorithms(source: &mut Source, list: &Node, keys: Option<&KeySource>) -> Vec<Algorithm> {
    let mut algorithms = Vec::new();
    for (name, at) in list.texts() {
        // Other words were told by the form's check.
        let Some(algorithm) = Algorithm::parse(name) else {
            continue;
        };
        match keys {
            // Who may read a public key could sign with it.
            Some(KeySource::Address(_) | KeySource::File(_)) if algorithm.is_symmetric() => {
                let hint = Some("give a `secret_file` instead of `keys`".to_owned());
                source.mistake(at, format!("{name} needs a secret, not public keys"), hint);
            }
            Some(KeySource::Secret(_)) if !algorithm.is_symmetric() => {
                let hint = Some("give `keys` instead of a `secret_file`".to_owned());
                source.mistake(at, format!("{name} needs public keys, not a secret"), hint);
            }
            _ => algorithms.push(algorithm),
        }
    }
    algorithms
}
