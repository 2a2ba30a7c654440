//! How settings of a face are spelt in variables.

use std::str::FromStr;

use http::Uri;

use crate::settings::Writes;

/// Names with commas between.
#[derive(Debug, Clone)]
pub struct Names(pub Vec<String>);

impl FromStr for Names {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Ok(Self(names.map(str::to_owned).collect()))
    }
}

/// `PUBLIC_URL` as it is written; nothing where it is empty, as a compose file leaves it.
#[derive(Debug, Clone, Default)]
pub struct Public {
    pub url: Option<String>,
    /// Clients ask for it, so it is a name of ours.
    pub host: Option<String>,
}

impl FromStr for Public {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let url: Uri = text.parse().map_err(|_| NO_URL)?;
        let host = url.host().ok_or(NO_URL)?;
        if !matches!(url.scheme_str(), Some("https" | "http")) {
            return Err(NO_URL);
        }
        Ok(Self {
            url: Some(text.to_owned()),
            host: Some(host.to_owned()),
        })
    }
}

const NO_URL: &str = "is written as `https://data.example.com`";

impl FromStr for Writes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "scope" => Ok(Self::Scoped),
            "everyone" => Ok(Self::Everyone),
            "nobody" => Ok(Self::Nobody),
            _ => Err("is `scope`, `everyone` or `nobody`"),
        }
    }
}
