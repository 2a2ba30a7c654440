//! The secrets of a stack: files that are made once and never shown, guarded by their folder.

mod certificate;
mod keeping;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use wire::ExitKind;

use crate::failure::Failure;

pub use keeping::changed_at;

/// 43 of 62 letters and digits are 256 bits.
const PASSWORD_LEN: usize = 43;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    PostgresPassword,
    RedisPassword,
    Neo4jPassword,
    AdminKey,
    EdgeCertificate,
}

impl Secret {
    pub const ALL: [Self; 5] = [
        Self::PostgresPassword,
        Self::RedisPassword,
        Self::Neo4jPassword,
        Self::AdminKey,
        Self::EdgeCertificate,
    ];

    /// Of the file, and in the compose files.
    pub fn name(self) -> &'static str {
        match self {
            Self::PostgresPassword => "postgres_password",
            Self::RedisPassword => "redis_password",
            Self::Neo4jPassword => "neo4j_password",
            Self::AdminKey => "admin_key",
            Self::EdgeCertificate => "edge_certificate",
        }
    }

    /// Who reads it when it starts.
    pub fn services(self) -> &'static [&'static str] {
        match self {
            Self::PostgresPassword => &["postgres", "dataflow", "backup"],
            Self::RedisPassword => &["redis", "dataflow"],
            Self::Neo4jPassword => &["neo4j", "dataflow"],
            Self::AdminKey => &["dataflow", "seed"],
            Self::EdgeCertificate => &["edge"],
        }
    }

    pub fn of(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|secret| secret.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let hint = model::did_you_mean(name, names.iter().copied());
            let hint = hint.unwrap_or_else(|| format!("there are {}", names.join(", ")));
            Failure::refused(ExitKind::NotFound, format!("there is no secret `{name}`")).hint(hint)
        })
    }

    fn value(self, wish: &CertificateWish<'_>) -> Result<String, Failure> {
        let word = match self {
            Self::AdminKey => dataflow::token::mint().map(|minted| minted.token),
            Self::EdgeCertificate => return certificate::of(wish),
            Self::PostgresPassword | Self::RedisPassword | Self::Neo4jPassword => {
                dataflow::token::random(PASSWORD_LEN)
            }
        };
        word.map_err(|error| anyhow!("the system has no random numbers: {error}").into())
    }
}

/// What the edge's certificate is to be.
#[derive(Debug, Default)]
pub struct CertificateWish<'a> {
    /// Names and addresses besides those of this machine.
    pub hosts: &'a [String],
    /// A chain and its key of one's own.
    pub own: Option<&'a Path>,
}

/// What became of the secrets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub folder: PathBuf,
    pub made: Vec<Secret>,
    pub kept: Vec<Secret>,
    /// What is not as it should be, and what to do.
    pub notes: Vec<String>,
}

/// Makes those that are missing.
pub fn init(folder: &Path, wish: &CertificateWish<'_>) -> Result<Done, Failure> {
    keeping::open(folder)?;
    let mut done = Done {
        folder: folder.to_owned(),
        ..Done::default()
    };
    for secret in Secret::ALL {
        if keeping::exists(folder, secret.name()) {
            done.kept.push(secret);
            continue;
        }
        keeping::write_new(folder, secret.name(), &secret.value(wish)?)?;
        done.made.push(secret);
    }
    if done.kept.contains(&Secret::EdgeCertificate)
        && (wish.own.is_some() || !wish.hosts.is_empty())
    {
        let note = "edge_certificate was there and is kept: `gantry secrets rotate edge_certificate` takes the same options";
        done.notes.push(note.to_owned());
    }
    done.notes.extend(keeping::faults(folder));
    Ok(done)
}

/// New values for the named ones, or all; each old one is kept beside it until the next time.
pub fn rotate(
    folder: &Path,
    names: &[String],
    wish: &CertificateWish<'_>,
) -> Result<Done, Failure> {
    let mut secrets: Vec<Secret> = names
        .iter()
        .map(|name| Secret::of(name))
        .collect::<Result<_, _>>()?;
    let all = secrets.is_empty();
    if all {
        secrets = Secret::ALL.to_vec();
    }
    keeping::open(folder)?;
    let mut done = Done {
        folder: folder.to_owned(),
        ..Done::default()
    };
    if wish.own.is_none() && secrets.contains(&Secret::EdgeCertificate) {
        let current = keeping::read(folder, Secret::EdgeCertificate.name())?;
        if current.is_some_and(|pem| !certificate::is_ours(&pem)) {
            let what = "the edge's certificate is your own";
            let how = "hand over its successor: `gantry secrets rotate edge_certificate --certificate FILE`";
            if !all {
                return Err(Failure::refused(ExitKind::Conflict, what).hint(how));
            }
            secrets.retain(|secret| *secret != Secret::EdgeCertificate);
            done.kept.push(Secret::EdgeCertificate);
            done.notes.push(format!("{what} and is kept; {how}"));
        }
    }
    // All values before the first file: what cannot be made leaves everything as it was.
    let values: Result<Vec<String>, Failure> =
        secrets.iter().map(|secret| secret.value(wish)).collect();
    for (secret, value) in secrets.into_iter().zip(values?) {
        keeping::replace(folder, secret.name(), &value)?;
        done.made.push(secret);
    }
    done.notes.extend(keeping::faults(folder));
    Ok(done)
}

/// Who has to start anew to read them.
pub fn readers(secrets: &[Secret]) -> Vec<&'static str> {
    let mut services: Vec<&str> = secrets
        .iter()
        .flat_map(|secret| secret.services())
        .copied()
        .collect();
    services.sort_unstable();
    services.dedup();
    services
}

#[cfg(test)]
mod tests;
