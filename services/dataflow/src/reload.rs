//! The project's files read again while it is served: what is safe is migrated and served, the rest refused.

mod changes;

use std::sync::Arc;
use std::time::Duration;

use model::{Limits, Models, Project, ProjectSettings};
use nodes::{Nodes, Paused, Serving};
use store::migrate::{self, Applied, ApplyOptions};
use tokio::time::timeout;

pub use changes::ModelChange;

use crate::Error;
use crate::replica::Replica;
use crate::watch::Watcher;

/// How long calls under way may take to end before tables change in a way that disturbs them: one try after another,
/// between which everybody goes on.
const CALLS_END: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(9),
];
/// How long calls are held back while tables change, and how long one table's lock is waited for.
const TABLES_CHANGE: Duration = Duration::from_secs(10);
const LOCK: Duration = Duration::from_secs(1);

/// What came of files that changed.
#[derive(Debug)]
pub enum News {
    Reloaded(Reloaded),
    /// What was served is served on. Told once for the same reason.
    Refused(Error),
    /// After a refusal: the files say again what is served.
    Mended,
}

#[derive(Debug)]
pub struct Reloaded {
    pub changes: Vec<ModelChange>,
    /// The limits are others now.
    pub limits: bool,
    /// What agents are offered is: groups, or how they get nodes without one.
    pub offer: bool,
    /// Workflows are.
    pub workflows: bool,
    /// Settings that are others too, and hold from the next start.
    pub later: Vec<&'static str>,
    pub migration: Option<String>,
    /// Since the first file changed.
    pub took: Duration,
}

/// What is served, and what changes with it.
pub(crate) struct Reloader {
    pub(crate) location: store::Settings,
    pub(crate) served: Project,
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) replica: Arc<Replica>,
}

impl Reloader {
    /// Until nothing is watched any more.
    pub(crate) async fn follow(mut self, mut watcher: Watcher, mut tell: impl FnMut(News)) {
        let mut refused = None;
        while let Some(first) = watcher.changed().await {
            match self.reload().await {
                Ok(Some(reloaded)) => {
                    refused = None;
                    tell(News::Reloaded(Reloaded {
                        took: first.elapsed(),
                        ..reloaded
                    }));
                }
                Ok(None) if refused.take().is_some() => tell(News::Mended),
                Ok(None) => {}
                Err(error) => {
                    let why = error.to_string();
                    if refused.as_ref() != Some(&why) {
                        tell(News::Refused(error));
                    }
                    refused = Some(why);
                }
            }
        }
    }

    /// `None` where nothing that is served has changed.
    async fn reload(&mut self) -> Result<Option<Reloaded>, Error> {
        let root = self.served.root.clone();
        let read = tokio::task::spawn_blocking(move || Project::load(&root)).await;
        let read = read.map_err(|error| store::Error::Internal(error.to_string()))?;
        let read = read.map_err(Error::Files)?;
        let (before, after) = (&self.served.settings, &read.settings);
        let reloaded = Reloaded {
            changes: changes::between(&self.served.models, &read.models),
            limits: at_once(before.limits, after.limits) != before.limits,
            offer: self.served.groups != read.groups || before.tools != after.tools,
            workflows: versions(&self.served) != versions(&read),
            later: later(before, after),
            migration: None,
            took: Duration::ZERO,
        };
        let same = reloaded.changes.is_empty()
            && !reloaded.limits
            && !reloaded.offer
            && !reloaded.workflows
            && reloaded.later.is_empty();
        if same && self.served.name == read.name {
            self.served = read;
            return Ok(None);
        }
        let serving = Serving {
            project: read.name.clone(),
            models: Arc::clone(&read.models),
            limits: at_once(before.limits, after.limits),
            tools: after.tools,
            groups: Arc::clone(&read.groups),
            workflows: Arc::clone(&read.workflows),
        };
        let migration = self.migrate_and_serve(serving).await?;
        self.served = read;
        Ok(Some(Reloaded {
            migration,
            ..reloaded
        }))
    }

    async fn migrate_and_serve(&self, next: Serving) -> Result<Option<String>, Error> {
        let models = Arc::clone(&next.models);
        let version = migrate::version(&self.location, &models);
        if self.replica.is_at(&version) {
            self.nodes.serve(next);
            return Ok(None);
        }
        let undisturbed = ApplyOptions {
            undisturbed: true,
            ..ApplyOptions::default()
        };
        let applied = self.apply(&models, undisturbed).await?;
        if applied.migration.is_some() || !applied.plan.disturbs {
            self.nodes.serve(next);
            self.replica.serves(version);
            return Ok(applied.migration);
        }
        let paused = self.pause().await?;
        let tables = ApplyOptions {
            indexes_later: true,
            ..ApplyOptions::default()
        };
        let applied = timeout(TABLES_CHANGE, self.apply(&models, tables)).await;
        let applied = applied.map_err(|_| store::Error::Timeout)??;
        paused.serve(next);
        self.replica.serves(version);
        let indexed = self.apply(&models, ApplyOptions::default()).await;
        // The models are served by now; the next start makes the indexes too.
        if let Err(error) = indexed {
            tracing::error!(error = %error, "indexes of the new models cannot be made");
        }
        Ok(applied.migration)
    }

    async fn pause(&self) -> Result<Paused<'_>, Error> {
        for patience in CALLS_END {
            if let Some(paused) = self.nodes.pause(patience).await {
                return Ok(paused);
            }
        }
        let why = "calls under way use the tables that are to change, and do not end; save again when they have";
        Err(store::Error::Unavailable(why.to_owned()).into())
    }

    async fn apply(&self, models: &Models, options: ApplyOptions) -> Result<Applied, Error> {
        let mut location = self.location.clone();
        location.lock_timeout = location.lock_timeout.min(LOCK);
        let served = Some(&*self.served.models);
        let applied = migrate::apply_over(&location, served, models, &options).await?;
        for note in &applied.notes {
            tracing::warn!("{note}");
        }
        Ok(applied)
    }
}

/// What each workflow's file says.
fn versions(project: &Project) -> Vec<(&str, &str)> {
    let mut versions = Vec::with_capacity(project.workflows.len());
    for workflow in project.workflows.iter() {
        versions.push((workflow.name.as_str(), workflow.version.as_str()));
    }
    versions
}

/// The limits that the nodes keep; the face was told of the others when it started.
fn at_once(before: Limits, after: Limits) -> Limits {
    Limits {
        body_bytes: before.body_bytes,
        deadline: before.deadline,
        ..after
    }
}

/// What cannot change while the process runs.
fn later(before: &ProjectSettings, after: &ProjectSettings) -> Vec<&'static str> {
    let database = |settings: &ProjectSettings| {
        (
            settings.database_url.clone(),
            settings.database_url_file.clone(),
            settings.pool,
            settings.statement_timeout,
            settings.lock_timeout,
        )
    };
    [
        ("database", database(before) != database(after)),
        ("auth", before.auth != after.auth),
        ("listen", before.listen != after.listen),
        ("ops_listen", before.ops_listen != after.ops_listen),
        (
            "limits.body_bytes",
            before.limits.body_bytes != after.limits.body_bytes,
        ),
        (
            "limits.deadline",
            before.limits.deadline != after.limits.deadline,
        ),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

/// For a service, whose news are its log.
pub fn log(news: News) {
    match news {
        News::Reloaded(reloaded) => tracing::info!(
            migration = reloaded.migration,
            later = ?reloaded.later,
            duration_ms = reloaded.took.as_secs_f64() * 1000.0,
            "other models are served: {reloaded}"
        ),
        News::Refused(error) => {
            tracing::error!(error = %error, "changed files are refused, what was served is served on");
        }
        News::Mended => tracing::info!("the files say again what is served"),
    }
}
