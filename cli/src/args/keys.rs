//! `gantry keys`.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use super::{Place, examples};

/// Make, list and revoke API keys
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry keys create --role editor --name website"
    "gantry keys list"
))]
pub struct Keys {
    #[command(subcommand)]
    pub verb: KeysVerb,
}

#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    Create(CreateKey),
    /// List the keys, without their secrets
    #[command(after_help = examples!("gantry keys list" "gantry keys list --output json"))]
    List(Place),
    Revoke(RevokeKey),
}

/// Make a key; it is printed once and kept only as a hash
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry keys create --role admin"
    "gantry keys create --role editor --role viewer --name website > website.key"
    "gantry keys create --role editor --scope gantry:read --name reports"
))]
pub struct CreateKey {
    /// A role that the key has; may be repeated
    #[arg(long = "role", value_name = "ROLE", required = true)]
    pub roles: Vec<String>,

    /// What the key is good for, whatever its roles allow; may be repeated [default: all of that]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = PossibleValuesParser::new(wire::scope::KNOWN))]
    pub scopes: Vec<String>,

    /// What the key is for [default: its roles]
    #[arg(long)]
    pub name: Option<String>,

    /// When it ends by itself, as in `2030-01-01T00:00:00Z`
    #[arg(long, value_name = "TIMESTAMP")]
    pub expires_at: Option<String>,

    /// The tenant whose records the key may touch
    #[arg(long)]
    pub tenant: Option<String>,

    #[command(flatten)]
    pub place: Place,
}

/// Make a key useless; a server that knew it refuses it within 10 seconds
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry keys revoke 3f9c2a71d0b84e65"))]
pub struct RevokeKey {
    /// The key's id, as `gantry keys list` shows it
    pub id: String,

    #[command(flatten)]
    pub place: Place,
}
