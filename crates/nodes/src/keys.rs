//! The keys that `auth.verify` believes: `key.create`, `key.list`, `key.revoke`.

use access::{Scope, token};
use model::{Object, Value};
use serde_json::json;
use store::{KeyRow, Store};
use wire::{Answer, Code, Fault, Problem};

use crate::context::Context;
use crate::create::fault;
use crate::{body, problem};

/// Whether who once called may still do so: for answers that take longer than an assertion lasts. Who came without a
/// key has none to lose.
pub(crate) async fn is_good(store: &Store, caller: &str) -> Result<bool, store::Error> {
    let row = store.find_key(caller).await?;
    let lapsed = |row: &KeyRow| {
        row.revoked_at.is_some()
            || row
                .expires_at
                .is_some_and(|at| at <= jiff::Timestamp::now())
    };
    Ok(!row.as_ref().is_some_and(lapsed))
}

pub(crate) fn check_admin(cx: &Context<'_>) -> Result<(), Problem> {
    if cx.principal.is_admin() {
        return Ok(());
    }
    Err(cx.denied("manage keys"))
}

/// `{name, roles, tenant?, scopes?, expires_at?}`; the token is told this once.
pub(crate) async fn create(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    check_admin(cx)?;
    let object = body::object(text, "")?;
    let known = ["name", "roles", "tenant", "scopes", "expires_at"];
    only(&object, &known)?;
    let wanted = read_wanted(cx, &object)?;
    let minted = token::mint().map_err(|error| problem::internal(&error.to_string()))?;
    let row = KeyRow {
        id: minted.id,
        name: wanted.name,
        hash: minted.hash,
        roles: wanted.roles,
        tenant: wanted.tenant,
        scopes: wanted.scopes,
        created_at: cx.now,
        expires_at: wanted.expires_at,
        revoked_at: None,
    };
    cx.store.add_key(&row).await.map_err(problem::of_store)?;
    let mut shown = show(&row);
    shown["token"] = json!(minted.token);
    let mut answer = Answer::json(shown.to_string());
    answer.meta.created = true;
    Ok(answer)
}

/// What a new key is to be.
struct Wanted {
    name: String,
    roles: Vec<String>,
    tenant: Option<String>,
    scopes: Option<Vec<String>>,
    expires_at: Option<jiff::Timestamp>,
}

fn read_wanted(cx: &Context<'_>, object: &Object<'_>) -> Result<Wanted, Problem> {
    let mut faults = Vec::new();
    let name = text_of(object, "name")?.unwrap_or_default();
    if !is_short(&name) {
        faults.push(Fault::new(
            "/name",
            "required",
            "`name` is a text of 1 to 200 characters",
        ));
    }
    let roles: Vec<String> = object
        .get("roles")
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let is_role = |role: &String| {
        role.starts_with(|c: char| c.is_ascii_lowercase())
            && role.len() <= 63
            && role
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    if roles.is_empty() || roles.len() > 32 || !roles.iter().all(is_role) {
        let detail = "`roles` is a list of 1 to 32 words like \"editor\"";
        faults.push(Fault::new("/roles", "invalid_value", detail));
    }
    let tenant = text_of(object, "tenant")?;
    if tenant.as_ref().is_some_and(|tenant| !is_short(tenant)) {
        faults.push(Fault::new(
            "/tenant",
            "invalid_value",
            "`tenant` is a text of 1 to 200 characters",
        ));
    }
    if let Some(own) = &cx.principal.tenant
        && tenant.as_ref() != Some(own)
    {
        let detail = format!("an admin of the tenant `{own}` makes keys of that tenant");
        faults.push(Fault::new("/tenant", "invalid_value", detail));
    }
    let scopes = read_scopes(cx, object, &mut faults);
    let expires_at = read_expiry(cx, object, &mut faults)?;
    if !faults.is_empty() {
        return Err(problem::of_input(faults));
    }
    Ok(Wanted {
        name,
        roles,
        tenant,
        scopes,
        expires_at,
    })
}

/// Of the known ones, those that are said; unless any are, those of whoever makes the key. Nobody hands out more.
fn read_scopes(
    cx: &Context<'_>,
    object: &Object<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Vec<String>> {
    let own = cx.principal.scopes.as_ref();
    let own = || own.map(|own| own.iter().map(|scope| scope.as_str().to_owned()).collect());
    let Some(raw) = object.get("scopes").filter(|raw| raw.get() != "null") else {
        return own();
    };
    let mut fault = |at: String, detail: String| {
        faults.push(Fault::new(at, "invalid_value", detail));
    };
    let Ok(texts) = serde_json::from_str::<Vec<String>>(raw.get()) else {
        let known = Scope::ALL.map(Scope::as_str).join("\", \"");
        fault(
            "/scopes".to_owned(),
            format!("`scopes` is a list of \"{known}\""),
        );
        return None;
    };
    let mut scopes = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let at = format!("/scopes/{index}");
        match Scope::parse(text) {
            Some(scope) if cx.principal.is_good_for(scope) => scopes.push(scope),
            Some(_) => fault(
                at,
                format!("the caller's own credential is not good for `{text}`"),
            ),
            None => {
                let known = Scope::ALL.map(Scope::as_str);
                let hint = model::did_you_mean(text, known);
                let hint = hint.unwrap_or_else(|| format!("there are {}", known.join(" and ")));
                fault(at, format!("there is no scope `{text}`; {hint}"));
            }
        }
    }
    scopes.sort_unstable();
    scopes.dedup();
    Some(
        scopes
            .into_iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
    )
}

/// 1 to 200 characters, none of which is U+0000, which no store takes.
fn is_short(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.contains('\0')
}

fn read_expiry(
    cx: &Context<'_>,
    object: &Object<'_>,
    faults: &mut Vec<Fault>,
) -> Result<Option<jiff::Timestamp>, Problem> {
    Ok(match text_of(object, "expires_at")? {
        None => None,
        Some(text) => match text.parse::<jiff::Timestamp>() {
            Ok(at) if at > cx.now => Some(at),
            Ok(_) => {
                faults.push(Fault::new(
                    "/expires_at",
                    "out_of_range",
                    "`expires_at` is in the past",
                ));
                None
            }
            Err(_) => {
                let detail = "`expires_at` is a timestamp like 2030-01-01T00:00:00Z";
                faults.push(Fault::new("/expires_at", "invalid_value", detail));
                None
            }
        },
    })
}

pub(crate) async fn list(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    check_admin(cx)?;
    only(&body::object(text, "")?, &[])?;
    let rows = cx.store.list_keys().await.map_err(problem::of_store)?;
    let own = rows.iter().filter(|row| is_within(cx, row));
    let shown: Vec<_> = own.map(show).collect();
    let mut answer = Answer::json(serde_json::Value::Array(shown).to_string());
    answer.meta.rows = Some(rows.len() as u64);
    Ok(answer)
}

/// `{id}`
pub(crate) async fn revoke(cx: &Context<'_>, text: &str) -> Result<Answer, Problem> {
    check_admin(cx)?;
    let object = body::object(text, "")?;
    only(&object, &["id"])?;
    let id = text_of(&object, "id")?
        .ok_or_else(|| fault("/id".to_owned(), "required", "`id` must be given"))?;
    let missing =
        || Problem::new(Code::NotFound).detail("there is no such key that is not revoked");
    if !is_short(&id) {
        return Err(missing());
    }
    let row = cx.store.find_key(&id).await.map_err(problem::of_store)?;
    let row = row.filter(|row| is_within(cx, row)).ok_or_else(missing)?;
    let revoked = cx
        .store
        .revoke_key(&row.id, cx.now)
        .await
        .map_err(problem::of_store)?;
    if !revoked {
        return Err(missing());
    }
    let row = KeyRow {
        revoked_at: Some(cx.now),
        ..row
    };
    let mut answer = Answer::json(show(&row).to_string());
    answer.meta.affected = Some(1);
    Ok(answer)
}

/// An admin with a tenant manages that tenant's keys.
fn is_within(cx: &Context<'_>, row: &KeyRow) -> bool {
    cx.principal.tenant.is_none() || cx.principal.tenant == row.tenant
}

/// Everything but the hash.
fn show(row: &KeyRow) -> serde_json::Value {
    let time = |at: Option<jiff::Timestamp>| {
        at.map(|at| {
            let mut text = Vec::new();
            Value::Timestamp(at).write_text(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    json!({
        "id": row.id, "name": row.name, "roles": row.roles, "tenant": row.tenant, "scopes": row.scopes,
        "created_at": time(Some(row.created_at)), "expires_at": time(row.expires_at), "revoked_at": time(row.revoked_at),
    })
}

pub(crate) fn only(object: &Object<'_>, known: &[&str]) -> Result<(), Problem> {
    match object
        .members
        .iter()
        .find(|(name, _)| !known.contains(&&**name))
    {
        None => Ok(()),
        Some((name, _)) => {
            let at = format!("/{}", crate::values::escape(name));
            let hint = model::did_you_mean(name, known.iter().copied()).unwrap_or_default();
            let detail = format!("there is no argument `{name}` here; {hint}");
            Err(fault(at, "unknown_field", detail.trim_end_matches("; ")))
        }
    }
}

pub(crate) fn text_of(object: &Object<'_>, name: &str) -> Result<Option<String>, Problem> {
    match object.get(name) {
        None => Ok(None),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| {
            fault(
                format!("/{name}"),
                "wrong_type",
                &format!("`{name}` is a text"),
            )
        }),
    }
}
