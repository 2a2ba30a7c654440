//! The models that are served now, with what was made of them; replaced as a whole when models change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use access::Principal;
use model::Models;

use crate::view::View;

/// How many views are remembered.
const MOST_VIEWS: usize = 256;

pub(crate) struct Live {
    pub(crate) project: String,
    pub(crate) models: Arc<Models>,
    views: Mutex<HashMap<Standing, Arc<View>>>,
}

/// All that a view depends on.
#[derive(PartialEq, Eq, Hash)]
struct Standing {
    roles: Vec<String>,
    has_tenant: bool,
    is_anonymous: bool,
}

impl Live {
    pub(crate) fn new(project: &str, models: Arc<Models>) -> Self {
        Self {
            project: project.to_owned(),
            models,
            views: Mutex::default(),
        }
    }

    pub(crate) fn view(&self, principal: &Principal) -> Arc<View> {
        let standing = Standing {
            roles: principal.roles.clone(),
            has_tenant: principal.tenant.is_some(),
            is_anonymous: principal.is_anonymous(),
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
