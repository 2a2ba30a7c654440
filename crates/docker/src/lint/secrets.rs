//! Secrets are files: where else one may have slipped in.

use serde_json::Value;

use super::service::Service;
use super::{Column, Holes};
use crate::read::{entries, items, text};

const FIX: &str = "a file below `secrets:`, named by the variable <NAME>_FILE";

pub(super) fn check(service: &Service<'_>, holes: &mut Holes<'_>) {
    for key in ["environment", "labels"] {
        named(service.key(key), key, holes);
    }
    named(&service.key("build")["args"], "build/args", holes);
    for key in ["command", "entrypoint"] {
        words(&service.texts(key), key, holes);
    }
    let test = crate::read::texts(&service.key("healthcheck")["test"]);
    words(&test, "healthcheck/test", holes);
    for (index, secret) in items(service.key("secrets")).enumerate() {
        let name = text(secret, "source");
        let source = &service.config["secrets"][name];
        let is_file = source["file"].is_string() || source["external"] == Value::Bool(true);
        if !is_file {
            let what = format!("the secret {name} does not come from a file");
            let fix =
                format!("secrets: {{ {name}: {{ file: ${{GANTRY_SECRETS}}/{name} }} }} at the top");
            holes.found(Column::Secrets, &format!("secrets/{index}"), what, fix);
        }
    }
}

/// Names and values, of which a name may betray its value.
fn named(values: &Value, place: &str, holes: &mut Holes<'_>) {
    for (name, value) in entries(values) {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let at = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        if is_secret_name(name) && !is_path(&value) {
            holes.found(
                Column::Secrets,
                &at,
                format!("{name} looks like a secret"),
                FIX,
            );
        } else if has_password(&value) {
            let what = format!("{name} holds a URL with a password");
            holes.found(Column::Secrets, &at, what, FIX);
        }
    }
}

fn words(words: &[&str], place: &str, holes: &mut Holes<'_>) {
    for (index, word) in words.iter().enumerate() {
        let option = word.split_once('=').map_or(*word, |(name, _)| name);
        let value = match word.split_once('=') {
            Some((_, value)) => Some(value),
            None => words.get(index + 1).copied(),
        };
        let is_option = option.starts_with('-') || word.contains('=');
        let is_told = value
            .is_some_and(|value| !value.is_empty() && !value.starts_with('-') && !is_path(value));
        let at = format!("{place}/{index}");
        if is_option && is_secret_name(option) && is_told {
            let what =
                format!("{option} hands a secret over where `docker inspect` and `ps` show it");
            holes.found(Column::Secrets, &at, what, FIX);
        } else if has_password(word) {
            holes.found(Column::Secrets, &at, "a URL with a password", FIX);
        }
    }
}

/// `DATABASE_PASSWORD`, `apiKey`, `--requirepass`; not `DATABASE_PASSWORD_FILE`, nor `MONKEY`'s like `KEYSPACE`.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_uppercase().replace(['-', '.'], "_");
    if name.ends_with("_FILE") || name.ends_with("_FILES") {
        return false;
    }
    let anywhere = ["PASSWORD", "PASSWD", "REQUIREPASS", "SECRET", "TOKEN"];
    let is_key = |word: &str| word.ends_with("KEY") || word.ends_with("KEYS");
    anywhere.iter().any(|word| name.contains(word)) || name.split('_').any(is_key)
}

/// It names where the secret is, which is no secret.
fn is_path(value: &str) -> bool {
    value.starts_with('/') && !value.contains(char::is_whitespace)
}

/// `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest
            .split(['/', '?', '#', ' ', '"', '\''])
            .next()
            .unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        let password = user.and_then(|user| user.split_once(':'));
        password.is_some_and(|(_, password)| !password.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_betray_a_secret() {
        for (name, expected) in [
            ("POSTGRES_PASSWORD", true),
            ("POSTGRES_PASSWORD_FILE", false),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("apiKey", true),
            ("com.example.token", true),
            ("KEYSPACE", false),
            ("--requirepass", true),
            ("PATH", false),
        ] {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
    }

    #[test]
    fn urls_that_hold_a_password() {
        for (text, expected) in [
            ("postgres://me:secret@db/films", true),
            ("postgres://me@db/films", false),
            ("http://db:8000/a@b", false),
            ("redis://:secret@redis:6379", true),
            ("x http://a and https://b:c@d", true),
        ] {
            assert_eq!(has_password(text), expected, "{text}");
        }
    }
}
