//! The models that are served now, with what was made of them; replaced as a whole when models change.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use access::{Principal, Scope};
use model::{Group, Limits, Models, Verb, Workflow};
use tokio_util::sync::{CancellationToken, DropGuard};
use wire::Tools;

use crate::answers::{self, Marks};
use crate::serving::Serving;
use crate::view::View;
use crate::what::What;

/// How many views are remembered.
const MOST_VIEWS: usize = 256;

/// A call holds the one that it began with until its end.
pub(crate) struct Live {
    pub(crate) project: String,
    pub(crate) models: Arc<Models>,
    pub(crate) limits: Limits,
    pub(crate) tools: Tools,
    pub(crate) groups: Arc<[Group]>,
    pub(crate) workflows: Arc<[Workflow]>,
    pub(crate) marks: Arc<Marks>,
    /// The models whose changes start workflows.
    pub(crate) watched: Arc<BTreeSet<String>>,
    views: Arc<Mutex<HashMap<Standing, Arc<View>>>>,
    /// Ends when calls may come again, where they must wait.
    opening: Option<CancellationToken>,
    calls: Arc<UnderWay>,
}

/// Held by whoever began a call, so that its end is the end of the last of them.
pub(crate) struct UnderWay {
    ended: CancellationToken,
    _until_ended: DropGuard,
}

impl Default for UnderWay {
    fn default() -> Self {
        let ended = CancellationToken::new();
        Self {
            _until_ended: ended.clone().drop_guard(),
            ended,
        }
    }
}

/// All that a view depends on.
#[derive(PartialEq, Eq, Hash)]
struct Standing {
    roles: Vec<String>,
    has_tenant: bool,
    is_anonymous: bool,
    scopes: Option<Vec<Scope>>,
}

impl Live {
    pub(crate) fn new(serving: Serving) -> Self {
        let Serving {
            project,
            models,
            limits,
            tools,
            groups,
            workflows,
        } = serving;
        Self {
            project,
            marks: Arc::new(answers::marks(&models)),
            watched: Arc::new(watched(&workflows)),
            models,
            limits,
            tools,
            groups,
            workflows,
            views: Arc::default(),
            opening: None,
            calls: Arc::default(),
        }
    }

    /// The same models, while calls wait for `opening`.
    pub(crate) fn closed(&self, opening: CancellationToken) -> Self {
        Self {
            views: Arc::clone(&self.views),
            opening: Some(opening),
            ..Self::new(self.serving())
        }
    }

    /// The same models for calls that come, beside those that never ended.
    pub(crate) fn reopened(&self, calls: Option<Arc<UnderWay>>) -> Self {
        Self {
            views: Arc::clone(&self.views),
            calls: calls.unwrap_or_default(),
            ..Self::new(self.serving())
        }
    }

    fn serving(&self) -> Serving {
        Serving {
            project: self.project.clone(),
            models: Arc::clone(&self.models),
            limits: self.limits,
            tools: self.tools,
            groups: Arc::clone(&self.groups),
            workflows: Arc::clone(&self.workflows),
        }
    }

    /// The workflow's place.
    pub(crate) fn workflow(&self, name: &str) -> Option<usize> {
        let mut workflows = self.workflows.iter();
        workflows.position(|workflow| workflow.name == name)
    }

    /// Whether the call may start workflows by what it changes.
    pub(crate) fn may_trigger(&self, what: &What) -> bool {
        match what {
            _ if self.watched.is_empty() => false,
            What::Tx => true,
            What::Of(_, verb) if verb.is_read() => false,
            // Others may go, or let go, with it.
            What::Of(model, Verb::Delete | Verb::BulkDelete | Verb::Bulk)
                if !self.models.referrers(&model.name).is_empty() =>
            {
                true
            }
            What::Of(model, _) => self.watched.contains(&model.name),
            _ => false,
        }
    }

    pub(crate) fn opening(&self) -> Option<&CancellationToken> {
        self.opening.as_ref()
    }

    /// Ends with the last call that holds this, once another is served; and what holds it until then.
    pub(crate) fn calls(&self) -> (CancellationToken, Weak<UnderWay>) {
        (self.calls.ended.clone(), Arc::downgrade(&self.calls))
    }

    pub(crate) fn view(&self, principal: &Principal) -> Arc<View> {
        let standing = Standing {
            roles: principal.roles.clone(),
            has_tenant: principal.tenant.is_some(),
            is_anonymous: principal.is_anonymous(),
            scopes: principal.scopes.clone(),
        };
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = views.get(&standing) {
            return Arc::clone(view);
        }
        if views.len() >= MOST_VIEWS {
            views.clear();
        }
        let view = Arc::new(View::new(&self.models, principal));
        views.insert(standing, Arc::clone(&view));
        view
    }
}

fn watched(workflows: &[Workflow]) -> BTreeSet<String> {
    let watched = workflows.iter().flat_map(Workflow::watched);
    watched.map(str::to_owned).collect()
}
