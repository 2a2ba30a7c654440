//! Answers are cut where they are too large, and say so.

use serde_json::value::RawValue;

/// How many of the records of a JSON array come to no more than `bytes`; all of them, or at least one. `None` where it
/// is no array.
pub(crate) fn fitting(array: &[u8], bytes: usize) -> Option<(usize, usize)> {
    let items: Vec<&RawValue> = serde_json::from_slice(array).ok()?;
    let mut sum = 2;
    let mut fit = 0;
    for item in &items {
        sum += item.get().len() + 1;
        if sum > bytes && fit > 0 {
            break;
        }
        fit += 1;
    }
    Some((fit, items.len()))
}

/// The beginning of a text, cut between characters.
pub(crate) fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_records_as_fit_and_never_none() {
        let array = br#"[{"a":1},{"a":2},{"a":3}]"#;
        assert_eq!(fitting(array, 1_000), Some((3, 3)));
        assert_eq!(fitting(array, 20), Some((2, 3)));
        assert_eq!(fitting(array, 1), Some((1, 3)));
        assert_eq!(fitting(b"[]", 1), Some((0, 0)));
        assert_eq!(fitting(b"{}", 1), None);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(beginning("aé", 2), "a");
        assert_eq!(beginning("aé", 9), "aé");
    }
}
