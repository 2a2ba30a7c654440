//! JSON merge patch (RFC 7396), by text: numbers keep their digits.

use std::fmt::Write as _;

use model::Object;
use serde_json::value::RawValue;

/// The object with the patch in it: null takes a member out, an object is merged with what is there, and anything else
/// takes its place.
pub(super) fn merged(state: &str, patch: &str) -> Result<String, String> {
    let mut text = String::with_capacity(state.len() + patch.len());
    merge(&Object::parse(state)?, &Object::parse(patch)?, &mut text)?;
    Ok(text)
}

fn merge(state: &Object<'_>, patch: &Object<'_>, text: &mut String) -> Result<(), String> {
    text.push('{');
    let mut next = "";
    for (name, raw) in &state.members {
        if let Some(set) = patch.get(name) {
            member(name, Some(raw), set, &mut next, text)?;
        } else {
            begin(name, &mut next, text);
            text.push_str(raw.get());
        }
    }
    for (name, set) in &patch.members {
        if state.get(name).is_none() {
            member(name, None, set, &mut next, text)?;
        }
    }
    text.push('}');
    Ok(())
}

fn member(
    name: &str,
    was: Option<&RawValue>,
    set: &RawValue,
    next: &mut &'static str,
    text: &mut String,
) -> Result<(), String> {
    if set.get() == "null" {
        return Ok(());
    }
    begin(name, next, text);
    if !set.get().starts_with('{') {
        text.push_str(set.get());
        return Ok(());
    }
    let was = was.map(RawValue::get).filter(|was| was.starts_with('{'));
    let was = Object::parse(was.unwrap_or("{}"))?;
    merge(&was, &Object::parse(set.get())?, text)
}

fn begin(name: &str, next: &mut &'static str, text: &mut String) {
    text.push_str(next);
    *next = ",";
    // What shows a text as JSON is JSON's own text.
    let _ = write!(text, "{}:", serde_json::Value::from(name));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_merged_as_the_rfc_says() {
        for (state, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (
                r#"{"a": {"b": "c"}}"#,
                r#"{"a":{"b":"d","c":null}}"#,
                r#"{"a":{"b":"d"}}"#,
            ),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
            (r#"{"n":1.50}"#, r#"{"m":1e400}"#, r#"{"n":1.50,"m":1e400}"#),
            (r#"{"\"é\n":1}"#, r#"{"\"\u00e9\n":2}"#, r#"{"\"é\n":2}"#),
        ] {
            assert_eq!(
                merged(state, patch).as_deref(),
                Ok(expected),
                "{state} {patch}"
            );
        }
    }
}
