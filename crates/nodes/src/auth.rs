//! `auth.verify`: from a credential to who holds it; and `auth.servers`: where to get one.

use std::time::Duration;

use access::{Principal, Scope, token};
use wire::{Answer, AuthServers, Caller, Code, Problem};

use crate::caller::{self, Callers};
use crate::context::Context;
use crate::create::fault;
use crate::keys::{only, text_of};
use crate::nodes::Nodes;
use crate::{body, problem};

impl Nodes {
    /// Refuses who may not manage the whole.
    pub fn need_admin(&self, caller: &Caller) -> Result<(), Problem> {
        let who = self.callers.find(caller)?;
        let principal = &who.principal;
        if !principal.is_good_for(Scope::Read) {
            return Err(problem::scope(Scope::Read, "this"));
        }
        if principal.is_admin() && principal.tenant.is_none() {
            return Ok(());
        }
        let code = if principal.is_anonymous() {
            Code::Unauthenticated
        } else {
            Code::Forbidden
        };
        Err(Problem::new(code).detail("only an admin of all tenants may see this"))
    }
}

/// Open to everyone: the credential is what is asked about.
pub(crate) async fn verify(
    cx: &Context<'_>,
    callers: &Callers,
    text: &str,
) -> Result<Answer, Problem> {
    let object = body::object(text, "")?;
    only(&object, &["credential"])?;
    let credential = text_of(&object, "credential")?.ok_or_else(|| {
        fault(
            "/credential".to_owned(),
            "required",
            "`credential` must be given",
        )
    })?;
    let unknown = || {
        Problem::new(Code::Unauthenticated).detail("the credential is unknown, expired or revoked")
    };
    let (id, hash) = token::split(&credential).ok_or_else(unknown)?;
    let row = cx.store.find_key(id).await.map_err(problem::of_store)?;
    let row = row.ok_or_else(unknown)?;
    let expired = row.expires_at.is_some_and(|at| at <= cx.now);
    if !token::matches(&hash, &row.hash) || expired || row.revoked_at.is_some() {
        return Err(unknown());
    }
    let mut roles = row.roles;
    roles.sort_unstable();
    // A scope that an older or newer version kept, and that means nothing now, opens nothing.
    let known = |scopes: Vec<String>| {
        scopes
            .iter()
            .filter_map(|scope| Scope::parse(scope))
            .collect()
    };
    let until = row.expires_at.map(jiff::Timestamp::as_second);
    granted(
        cx,
        callers,
        Principal {
            id: row.id,
            roles,
            tenant: row.tenant,
            scopes: row.scopes.map(known),
            until: until.and_then(|at| u64::try_from(at).ok()),
        },
    )
}

/// The assertion lasts no longer than the credential; a second at least, in which this call ends.
fn granted(cx: &Context<'_>, callers: &Callers, principal: Principal) -> Result<Answer, Problem> {
    let now = u64::try_from(cx.now.as_second()).unwrap_or_default();
    let left = principal.until.map(|until| until.saturating_sub(now));
    let left = left.map(|seconds| Duration::from_secs(seconds.max(1)));
    let good_for = left.map_or(caller::GOOD_FOR, |left| left.min(caller::GOOD_FOR));
    let assertion = callers.signer().sign(&principal, good_for);
    let scopes = principal
        .scopes
        .map(|scopes| scopes.into_iter().map(Scope::as_str));
    let grant = wire::Grant {
        assertion: assertion.into(),
        expires_in: good_for.as_secs(),
        id: principal.id,
        roles: principal.roles,
        scopes: scopes.map(|scopes| scopes.map(str::to_owned).collect()),
    };
    answer(serde_json::to_string(&grant))
}

/// Open to everyone: who has no credential yet must learn where to get one.
pub(crate) fn servers(servers: &AuthServers, text: &str) -> Result<Answer, Problem> {
    only(&body::object(text, "")?, &[])?;
    let servers = AuthServers {
        scopes: Scope::ALL.map(|scope| scope.as_str().to_owned()).into(),
        ..servers.clone()
    };
    answer(serde_json::to_string(&servers))
}

fn answer(text: serde_json::Result<String>) -> Result<Answer, Problem> {
    let text = text.map_err(|error| problem::internal(&error.to_string()))?;
    Ok(Answer::json(text))
}
