//! Where keys come from: an address, which is asked with care, or a file.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::jwt::KeySet;
use model::{Issuer, KeySource};
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Of the whole exchange.
const PATIENCE: Duration = Duration::from_secs(5);
/// A key set of a hundred keys has a tenth of it.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Clone)]
pub(super) enum Source {
    Address {
        address: String,
        ca_file: Option<PathBuf>,
    },
    File {
        path: PathBuf,
        is_secret: bool,
    },
}

impl Source {
    pub(super) fn of(issuer: &Issuer, root: &Path) -> Self {
        let file = |path: &Path, is_secret| Self::File {
            path: root.join(path),
            is_secret,
        };
        match &issuer.keys {
            KeySource::Address(address) => Self::Address {
                address: address.clone(),
                ca_file: issuer.ca_file.as_ref().map(|file| root.join(file)),
            },
            KeySource::File(path) => file(path, false),
            KeySource::Secret(path) => file(path, true),
        }
    }

    /// Or why not.
    pub(super) async fn read(&self) -> Result<KeySet, String> {
        let source = self.clone();
        let read = tokio::task::spawn_blocking(move || source.read_now()).await;
        read.map_err(|error| error.to_string())?
    }

    fn read_now(&self) -> Result<KeySet, String> {
        match self {
            Self::Address { address, ca_file } => {
                let set = fetch(address, ca_file.as_deref())?;
                KeySet::read(&set).map_err(|why| format!("{address} has no keys: {why}"))
            }
            Self::File { path, is_secret } => {
                let bytes = read_file(path)?;
                let keys = if *is_secret {
                    KeySet::of_secret(&bytes)
                } else {
                    KeySet::read(&bytes)
                };
                keys.map_err(|why| format!("{} has no keys: {why}", path.display()))
            }
        }
    }
}

/// Straight there: no redirects, since the project says which address it believes, and no proxies.
fn fetch(address: &str, ca_file: Option<&Path>) -> Result<Vec<u8>, String> {
    let roots = match ca_file {
        None => RootCerts::WebPki,
        Some(file) => RootCerts::Specific(Arc::new(read_roots(file)?)),
    };
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .proxy(None)
        .max_idle_connections(0)
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .user_agent(concat!("gantry/", env!("CARGO_PKG_VERSION")))
        .accept("application/jwk-set+json, application/json")
        .build()
        .into();
    let failed = |error| format!("{address} cannot be fetched: {error}");
    let mut answer = agent.get(address).call().map_err(failed)?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(format!("{address} answers {status}"));
    }
    let body = answer.body_mut().with_config().limit(MOST_BYTES);
    body.read_to_vec().map_err(failed)
}

fn read_roots(file: &Path) -> Result<Vec<ureq::tls::Certificate<'static>>, String> {
    let text = read_file(file)?;
    let mut roots = Vec::new();
    for item in parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(root)) => roots.push(root),
            Ok(_) => {}
            Err(error) => return Err(format!("{} is no PEM file: {error}", file.display())),
        }
    }
    if roots.is_empty() {
        return Err(format!("{} holds no certificate", file.display()));
    }
    Ok(roots)
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(format!("{} is larger than 1 MiB", path.display()));
    }
    Ok(bytes)
}
