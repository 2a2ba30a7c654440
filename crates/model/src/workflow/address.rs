//! Addresses of resources: `cinema://films/{film}`, URI templates of RFC 6570's first level.

/// What addresses are made of beside letters and digits (RFC 3986), escapes included.
const OTHERS: &str = "-._~:/?#[]@!$&'()*+,;=%";
/// The platform's own.
const OURS: &str = "gantry";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

impl UriTemplate {
    /// The error says what is wrong, as a sentence about the address.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find('{') {
            let (before, after) = rest.split_at(begin);
            let Some((name, after)) = after[1..].split_once('}') else {
                return Err("a `{` has no `}`".to_owned());
            };
            if before.is_empty() && !parts.is_empty() {
                return Err(format!(
                    "nothing tells where `{{{name}}}` begins: put something before it"
                ));
            }
            parts.push(Part::Text(before.to_owned()));
            let variable = Part::Variable(name.to_owned());
            if parts.contains(&variable) {
                return Err(format!("`{{{name}}}` stands twice"));
            }
            parts.push(variable);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let template = Self { parts };
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<(), String> {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text),
            Part::Variable(_) => None,
        });
        for character in texts.flat_map(|text| text.chars()) {
            if !character.is_ascii_alphanumeric() && !OTHERS.contains(character) {
                return Err(format!("`{character}` cannot stand in an address"));
            }
        }
        let Some(Part::Text(first)) = self.parts.first() else {
            return Err("it begins with a scheme, as cinema:// does".to_owned());
        };
        let scheme = first.split_once(':').map(|(scheme, _)| scheme);
        let is_scheme = |scheme: &&str| {
            scheme.starts_with(|first: char| first.is_ascii_lowercase())
                && scheme.chars().all(|character| {
                    character.is_ascii_lowercase()
                        || character.is_ascii_digit()
                        || "+-.".contains(character)
                })
        };
        match scheme.filter(is_scheme) {
            None => Err("it begins with a scheme in lower case, as cinema:// does".to_owned()),
            Some(OURS) => Err(format!("{OURS}: is the platform's own")),
            Some(_) => Ok(()),
        }
    }

    /// In order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The values of its variables, with their escapes; `None`: it is no address of these. A value is not empty, has no
    /// `/`, `?` or `#`, and ends where what follows it begins first.
    pub fn matches<'u>(&self, uri: &'u str) -> Option<Vec<(&str, &'u str)>> {
        let mut values = Vec::new();
        let mut rest = uri;
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Variable(name) => {
                    let end = match parts.peek() {
                        Some(Part::Text(next)) => rest.find(next.as_str())?,
                        _ => rest.len(),
                    };
                    let (value, after) = rest.split_at(end);
                    if value.is_empty() || value.contains(['/', '?', '#']) {
                        return None;
                    }
                    values.push((name.as_str(), value));
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, expected: &str) {
        let why = UriTemplate::parse(text).expect_err(text);
        assert!(why.contains(expected), "{text}: {why}");
    }

    #[test]
    fn only_addresses_are_taken() {
        refused("", "scheme");
        refused("films", "scheme");
        refused("{scheme}://films", "scheme");
        refused("Cinema://films", "lower case");
        refused("gantry://films", "own");
        refused("cinema://films/{film", "no `}`");
        refused("cinema://films/{film}{part}", "put something before");
        refused("cinema://{film}/{film}", "twice");
        refused("cinema://a film", "cannot stand");
        refused("cinema://}", "cannot stand");
    }

    fn check(template: &str, uri: &str, expected: Option<&[(&str, &str)]>) {
        let template = UriTemplate::parse(template).expect("it is one");
        let found = template.matches(uri);
        assert_eq!(found.as_deref(), expected, "{uri}");
    }

    #[test]
    fn addresses_are_told_apart() {
        check("cinema://now", "cinema://now", Some(&[]));
        check("cinema://now", "cinema://now/", None);
        let film = "cinema://films/{film}";
        check(film, "cinema://films/7", Some(&[("film", "7")]));
        check(film, "cinema://films/a%20b", Some(&[("film", "a%20b")]));
        check(film, "cinema://films/", None);
        check(film, "cinema://films/7/8", None);
        check(film, "cinema://films/7?x", None);
        let both = "cinema://{year}/{part}.md";
        let values: &[_] = &[("year", "1999"), ("part", "7")];
        check(both, "cinema://1999/7.md", Some(values));
        check(both, "cinema://1999/.md", None);
        check(both, "cinema://1999/7.txt", None);
    }
}
