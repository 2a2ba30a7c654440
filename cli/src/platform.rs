//! What every verb stands on: the project read, and its nodes in this process or behind a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use dataflow::{App, Settings};
use model::Project;
use verbs::Platform;
use wire::{Caller, ExitKind, Problem};

use crate::args::{Database, Place, Server};
use crate::failure::Failure;
use crate::progress;

/// Reads and checks the folder.
pub fn project(folder: &Path) -> Result<Project, Failure> {
    is_project(folder)?;
    Ok(Project::load(folder)?)
}

/// Whether it is a project's folder, whatever its files say.
pub fn is_project(folder: &Path) -> Result<(), Failure> {
    if !folder.is_dir() {
        let detail = format!("there is no folder {}", folder.display());
        return Err(Failure::refused(ExitKind::NotFound, detail)
            .hint("`gantry init <folder>` makes a project"));
    }
    if !folder.join("gantry.yaml").is_file() && !folder.join("models").is_dir() {
        let detail = format!(
            "{} is no project: it has neither gantry.yaml nor models/",
            folder.display()
        );
        return Err(Failure::refused(ExitKind::NotFound, detail)
            .hint("name a project's folder, or make one with `gantry init <folder>`"));
    }
    Ok(())
}

/// The platform that a verb calls: a server where one is named, else the project over its own database.
pub async fn compose(place: &Place) -> Result<Platform, Failure> {
    if let Some(url) = &place.server.url {
        return served(url, &place.server);
    }
    let project = project(&place.database.project)?;
    let app = embedded(project, &settings(&place.database)).await?;
    Ok(of(&app))
}

pub fn settings(database: &Database) -> Settings {
    settings_of(database.project.clone(), database.database_url.clone())
}

pub fn settings_of(folder: PathBuf, database_url: Option<String>) -> Settings {
    Settings {
        migrating: Some(progress::of_migration),
        ..Settings::embedded(folder, database_url)
    }
}

/// Migrates what loses nothing, and opens the store.
pub async fn embedded(project: Project, settings: &Settings) -> Result<App, Failure> {
    App::of(project, settings).await.map_err(refusal)
}

/// How runs of workflows are carried out in this process.
pub fn flow(project: &Project) -> Result<nexus::Flow, Failure> {
    let said = &project.settings.workflows;
    let mut flow = nexus::Flow::default();
    flow.runs = said.runs.unwrap_or(flow.runs);
    flow.reach.hosts.clone_from(&said.hosts);
    flow.reach.private = said.private;
    if let Some(server) = &said.chat {
        flow.reach.chat = Some(nexus::Chat {
            url: server.url.clone(),
            key: secret(project, server)?,
            model: server.usual.clone(),
        });
    }
    if let Some(server) = &said.mail {
        flow.reach.mail = Some(nexus::Mail {
            url: server.url.clone(),
            password: secret(project, server)?,
            from: server.usual.clone(),
        });
    }
    Ok(flow)
}

/// Where the secrets of webhooks are.
pub fn hook_secrets(project: &Project) -> PathBuf {
    let said = project.settings.workflows.secrets.as_deref();
    project
        .root
        .join(said.unwrap_or(Path::new(".gantry/secrets")))
}

fn secret(project: &Project, server: &model::Server) -> Result<Option<String>, Failure> {
    let Some(file) = &server.secret_file else {
        return Ok(None);
    };
    let path = project.root.join(file);
    let text = fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read the secret in {}", path.display()))?;
    Ok(Some(text.trim().to_owned()))
}

/// As the administrator, since whoever can open the database may do everything with it.
pub fn of(app: &App) -> Platform {
    Platform {
        calls: app.calls(),
        caller: app.local_admin(),
    }
}

pub fn refusal(error: dataflow::Error) -> Failure {
    match error {
        dataflow::Error::Files(mistakes) => Failure::Mistakes(mistakes),
        other => Problem::from(other).into(),
    }
}

fn served(url: &str, server: &Server) -> Result<Platform, Failure> {
    let key = verbs::key(server.key.as_deref(), server.key_file.as_deref())?;
    let trusted = server.ca_file.as_ref().map(|path| {
        fs::read(path).with_context(|| format!("cannot read certificates in {}", path.display()))
    });
    let trusted = trusted.transpose()?;
    let by = client::By {
        key: key.as_deref(),
        trusted: trusted.as_deref(),
    };
    let client = client::Client::public(url, &by);
    let client = client.map_err(|error| Failure::usage(format!("--url: {error}")))?;
    Ok(Platform {
        calls: Arc::new(client),
        caller: Caller::Anonymous,
    })
}
