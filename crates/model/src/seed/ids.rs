//! Ids of seeded records: the same row gets the same id whenever and wherever it is loaded.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{Field, Model, Value, fold};

/// The id of a row of a seed. `key` is its line number or the texts of its key columns.
pub(super) fn of_row(seed: &str, key: &[&str]) -> Uuid {
    hashed(["row", seed].iter().chain(key))
}

/// The id of a record that is made because a ref wants it.
pub(super) fn of_target(target: &Model, by: &Field, value: &Value) -> Uuid {
    let mut text = Vec::new();
    value.write_text(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let text = if by.nocase { fold(&text) } else { text };
    hashed(["target", &target.name, &by.name, &text].iter())
}

/// Version 8, of a hash of the parts; each is led by its length, so that ("a", "bc") and ("ab", "c") differ.
fn hashed<'a>(parts: impl Iterator<Item = &'a &'a str>) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
