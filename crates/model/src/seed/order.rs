//! Which seed is loaded when.

use crate::Seed;

/// Each after those that it names, otherwise as they came. `Err` has the names of seeds that wait for each other.
pub(super) fn sorted(mut waiting: Vec<Seed>) -> Result<Vec<Seed>, Vec<String>> {
    let mut sorted: Vec<Seed> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = waiting.iter().position(|seed| {
            seed.after
                .iter()
                .all(|name| sorted.iter().any(|done| done.name == *name))
        });
        match ready {
            Some(index) => sorted.push(waiting.remove(index)),
            None => return Err(waiting.into_iter().map(|seed| seed.name).collect()),
        }
    }
    Ok(sorted)
}
