//! `auth.verify`: from a credential to who holds it; and `auth.servers`: where to get one.

use std::time::Duration;

use access::{Principal, Scope, token};
use wire::{Answer, Caller, Code, Problem};

use crate::caller::{self, Callers};
use crate::context::Context;
use crate::create::fault;
use crate::keys::{only, text_of};
use crate::nodes::Nodes;
use crate::tokens::Tokens;
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
    tokens: &Tokens,
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
    let principal = match token::split(&credential) {
        Some((id, hash)) => of_key(cx, id, hash).await?,
        // A header, claims and a signature.
        None if credential.split('.').count() == 3 => tokens.verify(&credential, now(cx)).await?,
        None => return Err(unknown()),
    };
    granted(cx, callers, principal)
}

fn unknown() -> Problem {
    Problem::new(Code::Unauthenticated).detail("the credential is unknown, expired or revoked")
}

async fn of_key(cx: &Context<'_>, id: &str, hash: [u8; 32]) -> Result<Principal, Problem> {
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
        let scopes = scopes.iter();
        scopes.filter_map(|scope| Scope::parse(scope)).collect()
    };
    let until = row.expires_at.map(jiff::Timestamp::as_second);
    Ok(Principal {
        id: row.id,
        roles,
        tenant: row.tenant,
        scopes: row.scopes.map(known),
        until: until.and_then(|at| u64::try_from(at).ok()),
    })
}

/// Seconds since 1970.
fn now(cx: &Context<'_>) -> u64 {
    u64::try_from(cx.now.as_second()).unwrap_or_default()
}

/// The assertion lasts no longer than the credential; a second at least, in which this call ends.
fn granted(cx: &Context<'_>, callers: &Callers, principal: Principal) -> Result<Answer, Problem> {
    let left = principal.until.map(|until| until.saturating_sub(now(cx)));
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
pub(crate) fn servers(tokens: &Tokens, text: &str) -> Result<Answer, Problem> {
    only(&body::object(text, "")?, &[])?;
    answer(serde_json::to_string(&tokens.issuers.servers()))
}

fn answer(text: serde_json::Result<String>) -> Result<Answer, Problem> {
    let text = text.map_err(|error| problem::internal(&error.to_string()))?;
    Ok(Answer::json(text))
}
