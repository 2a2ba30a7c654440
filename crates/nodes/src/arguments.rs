//! The query string as names and values.

use model::BadArgument;
use wire::{Code, Problem};

/// Percent-decoded, in their order.
pub(crate) type Pairs = Vec<(String, String)>;

/// `+` is a space, as forms write it.
pub(crate) fn decode(query: &str) -> Result<Pairs, Problem> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode_one(name)?, decode_one(value)?))
        })
        .collect()
}

fn decode_one(text: &str) -> Result<String, Problem> {
    let bad = || {
        let shown: String = text.chars().take(60).collect();
        Problem::new(Code::InvalidQuery).detail(format!(
            "`{shown}` in the query is not percent-encoded UTF-8"
        ))
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    rest.next()
                        .and_then(|digit| char::from(digit).to_digit(16))
                        .and_then(|digit| u8::try_from(digit).ok())
                };
                match (digit(), digit()) {
                    (Some(high), Some(low)) => high << 4 | low,
                    _ => return Err(bad()),
                }
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| bad())?;
    if text.contains('\0') {
        return Err(bad());
    }
    Ok(text)
}

/// Takes the parameter out; naming it twice is a mistake.
pub(crate) fn take(
    pairs: &mut Pairs,
    name: &str,
    mistakes: &mut Vec<BadArgument>,
) -> Option<String> {
    let mut found = None;
    pairs.retain_mut(|(one, value)| {
        if one != name {
            return true;
        }
        if found.replace(std::mem::take(value)).is_some() {
            mistakes.push(BadArgument::new(name, format!("`{name}` stands twice")));
        }
        false
    });
    found
}

/// What nobody took is a mistake.
pub(crate) fn refuse_rest(pairs: &Pairs, known: &[&str], mistakes: &mut Vec<BadArgument>) {
    for (name, _) in pairs {
        let hint = model::did_you_mean(name, known.iter().copied());
        let detail = format!("there is no parameter `{name}` here");
        mistakes.push(BadArgument::new(name, detail).hint(hint));
    }
}

pub(crate) fn finish(mistakes: Vec<BadArgument>) -> Result<(), Problem> {
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(crate::problem::of_query(mistakes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_decoded_or_refused() {
        for (query, expected) in [
            ("", Some(vec![])),
            ("a=1&&b", Some(vec![("a", "1"), ("b", "")])),
            ("a=%C3%A9+x%2B", Some(vec![("a", "é x+")])),
            ("a=b=c", Some(vec![("a", "b=c")])),
            ("a=%C3", None),
            ("a=%", None),
            ("a=%4", None),
            ("a=%zz", None),
            ("a=%00", None),
        ] {
            let expected = expected.map(|pairs| {
                let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
                pairs.into_iter().map(own).collect::<Pairs>()
            });
            assert_eq!(decode(query).ok(), expected, "{query}");
        }
    }
}
