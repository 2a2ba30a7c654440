//! Inputs of the nodes, read by their types.

use model::Object;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use wire::Problem;

use crate::body;
use crate::create::fault;
use crate::keys::only;

/// Of our own services, which know what they send.
pub(super) fn own<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    let text = if text.is_empty() { "{}" } else { text };
    serde_json::from_str(text)
        .map_err(|error| fault(String::new(), "invalid_value", &error.to_string()))
}

/// Whose members are checked one by one.
pub(super) fn object<'a>(text: &'a str, known: &[&str]) -> Result<Object<'a>, Problem> {
    let object = body::object(text, "")?;
    only(&object, known)?;
    Ok(object)
}

/// Nothing where it is absent or null.
pub(super) fn member<T: DeserializeOwned>(
    object: &Object<'_>,
    name: &str,
    what: &str,
) -> Result<Option<T>, Problem> {
    let Some(raw) = object.get(name).filter(|raw| raw.get() != "null") else {
        return Ok(None);
    };
    let read = serde_json::from_str(raw.get()).map(Some);
    read.map_err(|_| {
        fault(
            format!("/{name}"),
            "invalid_value",
            &format!("`{name}` is {what}"),
        )
    })
}

pub(super) fn needed<T: DeserializeOwned>(
    object: &Object<'_>,
    name: &str,
    what: &str,
) -> Result<T, Problem> {
    member(object, name, what)?.ok_or_else(|| {
        let detail = format!("`{name}` must be given: it is {what}");
        fault(format!("/{name}"), "required", &detail)
    })
}

pub(super) fn id(object: &Object<'_>) -> Result<Uuid, Problem> {
    needed(object, "id", "a run's id, a UUID")
}

/// A text of a name or a path: 1 to 255 characters, none of which is U+0000, which no store takes.
pub(super) fn word(object: &Object<'_>, name: &str, what: &str) -> Result<Option<String>, Problem> {
    let word: Option<String> = member(object, name, what)?;
    let fits = |word: &String| (1..=255).contains(&word.chars().count()) && !word.contains('\0');
    match word {
        Some(word) if !fits(&word) => {
            let detail = format!("`{name}` is {what}, of 1 to 255 characters");
            Err(fault(format!("/{name}"), "invalid_value", &detail))
        }
        word => Ok(word),
    }
}
