//! The name that somebody meant.

/// The name that is meant by a misspelt one, where one is near.
pub fn nearest<'a>(names: impl Iterator<Item = &'a str>, text: &str) -> Option<&'a str> {
    let near = (text.len() / 3).max(1);
    let rated = names.map(|name| (strsim::damerau_levenshtein(name, text), name));
    rated
        .min()
        .filter(|(distance, _)| *distance <= near)
        .map(|(_, name)| name)
}
