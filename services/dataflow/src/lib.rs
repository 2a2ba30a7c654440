//! The service that holds the data: it alone speaks to the stores and authenticates.

mod error;
mod figures;
mod issuers;
mod location;
pub mod migrations;
mod projection;
mod pruning;
mod reload;
mod replica;
mod routes;
mod seed;
pub mod seeding;
mod service;
mod settings;
mod watch;

use std::sync::Arc;

use chassis::Secret;
use graph::Graph;
use model::Project;
use nodes::{Adopted, Nodes};
use store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::{Caller, Calls};

/// How keys are made and read, for whoever makes the first one before there is a database.
pub use access::token;
pub use error::Error;
pub use reload::{ModelChange, News, Reloaded, log};
pub use routes::Served;
pub use seed::seed;
pub use service::run;
pub use settings::{Settings, Watch};

use issuers::Keeping;
use pruning::Pruning;
use reload::Reloader;
use replica::Replica;
use watch::Watcher;

/// A project over its store, ready to be called.
pub struct App {
    pub project: Project,
    nodes: Arc<Nodes>,
    store: Store,
    pub(crate) graph: Option<Arc<Graph>>,
    replica: Arc<Replica>,
    pruning: Pruning,
    keeping: Keeping,
    location: store::Settings,
    /// What the start migrated.
    pub applied: migrations::Applied,
}

impl App {
    /// Reads the project, migrates what loses nothing, opens the store.
    pub async fn connect(settings: &Settings) -> Result<Self, Error> {
        let project = Project::load(&settings.project).map_err(Error::Files)?;
        Self::of(project, settings).await
    }

    /// The same of a project that was read before.
    pub async fn of(project: Project, settings: &Settings) -> Result<Self, Error> {
        let location = location::of(&project, settings)?;
        let applied = migrations::apply_to(&location, &project, settings, false).await?;
        for note in &applied.notes {
            tracing::warn!("{note}");
        }
        let store = Store::open(&location).await?;
        let graph = settings
            .neo4j
            .clone()
            .map(|server| Arc::new(Graph::new(server)));
        let (tokens, keeping) = Keeping::new(project.settings.auth.clone(), &project.root);
        let rules = nodes::Settings {
            open: settings.open,
            limits: project.settings.limits,
            tools: project.settings.tools,
            groups: Arc::clone(&project.groups),
            workflows: Arc::clone(&project.workflows),
            cache: match (&settings.redis, &location.location) {
                (Some(server), _) => Some(cache::Place::There(server.clone())),
                // Nobody else serves the file.
                (None, store::Location::Sqlite(_)) => Some(cache::Place::Here),
                (None, store::Location::Postgres(_)) => None,
            },
            graph: graph.clone(),
            tokens,
        };
        let nodes = Nodes::new(
            store.clone(),
            &project.name,
            Arc::clone(&project.models),
            rules,
        )
        .await;
        Ok(Self {
            nodes: nodes.map_err(Error::Problem)?,
            replica: Arc::new(Replica::new(store.clone(), &location, &project.models)),
            keeping,
            pruning: Pruning::default(),
            store,
            graph,
            location,
            applied,
            project,
        })
    }

    pub fn calls(&self) -> Arc<dyn Calls> {
        Arc::clone(&self.nodes) as Arc<dyn Calls>
    }

    fn teller(&self) -> migrations::Teller {
        migrations::Teller {
            location: self.location.clone(),
            nodes: Arc::clone(&self.nodes),
        }
    }

    /// Whoever starts the platform on their own machine may do everything there.
    pub fn local_admin(&self) -> Caller {
        self.nodes.local_admin()
    }

    /// The token becomes an admin's key.
    pub(crate) async fn adopt_key(&self, token: &Secret) -> Result<(), Error> {
        let adopted = self.nodes.adopt_key(token.reveal()).await;
        match adopted.map_err(Error::Problem)? {
            Adopted::Made { revoked } => tracing::info!(revoked, "The admin's key is made"),
            Adopted::Known => {}
            Adopted::Revoked => tracing::warn!("The admin's key was revoked, and is left so"),
        }
        Ok(())
    }

    /// From now on, until [`App::close`], migrations that take something away wait for this process, and issuers' keys
    /// are kept.
    pub async fn join(&self, tasks: &TaskTracker) -> Result<(), Error> {
        self.replica.join(tasks).await?;
        self.keeping.begin(tasks);
        let kept = self.project.settings.limits.changes_kept;
        let nodes = Arc::clone(&self.nodes);
        self.pruning.begin(self.store.clone(), nodes, kept, tasks);
        Ok(())
    }

    /// Who waits for runs when `stopping` comes goes elsewhere.
    pub(crate) fn end_claims_when(&self, stopping: CancellationToken, tasks: &TaskTracker) {
        let nodes = Arc::clone(&self.nodes);
        tasks.spawn(async move {
            stopping.cancelled().await;
            nodes.end_claims();
        });
    }

    /// Until `stopping`, serves what the project's files say each time that they change, and tells of it.
    pub fn follow(
        &self,
        how: Watch,
        tasks: &TaskTracker,
        stopping: CancellationToken,
        tell: impl FnMut(News) + Send + 'static,
    ) -> Result<(), Error> {
        let watcher = Watcher::start(&self.project.root, how)?;
        let reloader = Reloader {
            location: self.location.clone(),
            served: self.project.clone(),
            nodes: Arc::clone(&self.nodes),
            replica: Arc::clone(&self.replica),
        };
        tasks.spawn(stopping.run_until_cancelled_owned(reloader.follow(watcher, tell)));
        Ok(())
    }

    /// Ends the connections, after what is under way.
    pub async fn close(&self) {
        self.keeping.end();
        self.pruning.end();
        self.nodes.end_changes().await;
        self.replica.leave().await;
        self.store.close().await;
    }
}

/// Serves the internal routes until `stopping`.
pub async fn serve(listener: TcpListener, served: impl Into<Served>, stopping: CancellationToken) {
    let router = routes::router(served.into().until(stopping.clone()));
    let limits = chassis::HttpLimits::default();
    chassis::serve(listener, router, limits, None, stopping).await;
}
