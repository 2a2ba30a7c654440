//! As whom the steps of a run are called: kept with the run, and signed anew for whoever holds it.

use access::{Principal, Scope, Signer};
use model::Workflow;
use serde_json::{Value, json};
use wire::run::Acting;

use crate::caller::GOOD_FOR;

/// As the run's row keeps it: whoever starts it, unless the workflow says otherwise.
pub(crate) fn of(workflow: &Workflow, starter: &Principal) -> String {
    let principal = match &workflow.run_as {
        None => starter.clone(),
        Some(role) => Principal {
            id: format!("workflow:{}", workflow.name),
            roles: vec![role.clone()],
            // Nobody reaches another tenant's records by starting something.
            tenant: starter.tenant.clone(),
            scopes: None,
            until: None,
        },
    };
    let scopes = principal.scopes.as_ref();
    let scopes: Option<Vec<_>> =
        scopes.map(|scopes| scopes.iter().map(|scope| scope.as_str()).collect());
    let kept = json!({
        "id": principal.id, "roles": principal.roles, "tenant": principal.tenant, "scopes": scopes,
    });
    kept.to_string()
}

/// What [`of`] wrote.
pub(crate) fn principal(kept: &str) -> Principal {
    let kept: Value = serde_json::from_str(kept).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts = |value: &Value| -> Option<Vec<String>> {
        Some(value.as_array()?.iter().filter_map(text).collect())
    };
    let scopes = texts(&kept["scopes"]);
    Principal {
        id: text(&kept["id"]).unwrap_or_default(),
        roles: texts(&kept["roles"]).unwrap_or_default(),
        tenant: text(&kept["tenant"]),
        scopes: scopes.map(|scopes| {
            scopes
                .iter()
                .filter_map(|scope| Scope::parse(scope))
                .collect()
        }),
        until: None,
    }
}

pub(crate) fn sign(signer: &Signer, principal: &Principal) -> Acting {
    let assertion = (!principal.is_anonymous()).then(|| signer.sign(principal, GOOD_FOR).into());
    Acting {
        assertion,
        expires_in: GOOD_FOR.as_secs(),
    }
}
