//! Where a project's database is.

use std::path::PathBuf;

use chassis::Secret;
use model::Project;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use store::Location;

use crate::{Error, Settings};

/// What the settings say, else gantry.yaml, else SQLite inside the project's folder.
pub(crate) fn of(project: &Project, settings: &Settings) -> Result<store::Settings, Error> {
    let from_file = || -> Result<Option<String>, Error> {
        let Some(path) = &project.settings.database_url_file else {
            return Ok(None);
        };
        let path = project.root.join(path);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| store::Error::Setup(format!("{}: {error}", path.display())))?;
        Ok(Some(text.trim().to_owned()))
    };
    let url = match (&settings.database_url, &project.settings.database_url) {
        (Some(url), _) => Some(url.reveal().to_owned()),
        (None, Some(url)) => Some(url.clone()),
        (None, None) => from_file()?,
    };
    let location = match url {
        None => Location::Sqlite(project.root.join(".gantry").join("data.db")),
        Some(url) => parse(&url, settings.database_password.as_ref())?,
    };
    let mut store = store::Settings::new(location);
    store.pool = project.settings.pool;
    store.streams = project.settings.limits.streams;
    store.statement_timeout = project
        .settings
        .statement_timeout
        .unwrap_or(store.statement_timeout);
    store.lock_timeout = project.settings.lock_timeout.unwrap_or(store.lock_timeout);
    Ok(store)
}

/// `postgres://…`, or `sqlite:` and a path.
fn parse(url: &str, password: Option<&Secret>) -> Result<Location, Error> {
    match url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => Ok(Location::Postgres(with(password, url))),
        Some(("sqlite", path)) => Ok(Location::Sqlite(PathBuf::from(
            path.strip_prefix("//").unwrap_or(path),
        ))),
        _ => {
            // The text may hold a password, so it is not shown.
            let detail = "the database's URL begins with neither `postgres://` nor `sqlite:`";
            Err(store::Error::Setup(detail.to_owned()).into())
        }
    }
}

/// As a parameter, which any form of URL takes.
fn with(password: Option<&Secret>, url: &str) -> String {
    let Some(password) = password else {
        return url.to_owned();
    };
    let sign = if url.contains('?') { '&' } else { '?' };
    let password = utf8_percent_encode(password.reveal(), NON_ALPHANUMERIC);
    format!("{url}{sign}password={password}")
}
