//! Workflows that call each other in a circle would never end.

use std::collections::{BTreeMap, VecDeque};

use crate::source::Place;

pub(super) struct Call {
    pub(super) from: String,
    pub(super) to: String,
    /// Which of the files it stands in, and where.
    pub(super) file: usize,
    pub(super) at: Place,
}

/// Each circle once, at a call in the workflow that comes first by name, written as `a → b → a`.
pub(super) fn circles(calls: &[Call]) -> Vec<(&Call, String)> {
    let mut called: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for call in calls {
        called.entry(&call.from).or_default().push(&call.to);
    }
    let found = calls.iter().filter_map(|call| {
        let way = way(&called, &call.to, &call.from)?;
        let first = way.iter().all(|name| *name >= call.from.as_str());
        first.then(|| (call, format!("{} → {}", call.from, way.join(" → "))))
    });
    found.collect()
}

/// The shortest way from one to the other, both included.
fn way<'c>(
    called: &BTreeMap<&'c str, Vec<&'c str>>,
    from: &'c str,
    to: &str,
) -> Option<Vec<&'c str>> {
    let mut came_from: BTreeMap<&str, Option<&str>> = BTreeMap::from([(from, None)]);
    let mut next = VecDeque::from([from]);
    while let Some(name) = next.pop_front() {
        if name == to {
            let mut way = vec![name];
            while let Some(Some(before)) = came_from.get(way.last().copied().unwrap_or_default()) {
                way.push(before);
            }
            way.reverse();
            return Some(way);
        }
        for other in called.get(name).into_iter().flatten() {
            if !came_from.contains_key(other) {
                came_from.insert(other, Some(name));
                next.push_back(other);
            }
        }
    }
    None
}
