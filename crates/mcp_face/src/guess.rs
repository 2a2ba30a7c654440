//! What a misspelt name was meant to be.

use wire::nearest;

/// To be put behind what was wrong: `; did you mean ...?`, or nothing.
pub(crate) fn guess<'a>(names: impl Iterator<Item = &'a str>, text: &str) -> String {
    let near = nearest(names, text);
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}
