//! The variables of one image: each is known, or starting it is refused.

use std::collections::BTreeMap;

use crate::Error;

pub(crate) struct Settings {
    prefixes: &'static [&'static str],
    left: BTreeMap<String, String>,
}

impl Settings {
    /// Every variable of the process that begins with one of `prefixes`.
    pub(crate) fn of_process(prefixes: &'static [&'static str]) -> Self {
        let pairs = std::env::vars_os().map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        });
        Self::of(prefixes, pairs)
    }

    fn of(
        prefixes: &'static [&'static str],
        pairs: impl Iterator<Item = (String, String)>,
    ) -> Self {
        let ours = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let left = pairs.filter(|(name, _)| ours(name)).collect();
        Self { prefixes, left }
    }

    /// The variable's value; an empty one counts as not set, since compose files write `${X:-}`.
    pub(crate) fn take(&mut self, name: &str, default: &str) -> String {
        let value = self.left.remove(name).filter(|value| !value.is_empty());
        value.unwrap_or_else(|| default.to_owned())
    }

    /// Refuses what nobody took: a setting that is misspelt must not be a setting that is ignored.
    pub(crate) fn end(self) -> Result<(), Error> {
        let names: Vec<&str> = self.left.keys().map(String::as_str).collect();
        if names.is_empty() {
            return Ok(());
        }
        let hint = if names.iter().any(|name| name.ends_with("_PASSWORD")) {
            "; a password comes from a file only: set …_PASSWORD_FILE"
        } else {
            ""
        };
        Err(Error::Settings(format!(
            "unknown setting {} (those of this image begin with {}){hint}",
            names.join(", "),
            self.prefixes.join(" or ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_takes_is_refused() {
        let check = |given: &[(&str, &str)], expected: Option<&str>| {
            let pairs = given
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let mut settings = Settings::of(&["GANTRY_X_"], pairs);
            assert_eq!(settings.take("GANTRY_X_USER", "gantry"), "gantry");
            let told = settings.end().err().map(|error| error.to_string());
            assert_eq!(told.as_deref(), expected);
        };
        check(&[], None);
        check(&[("GANTRY_X_USER", ""), ("HOME", "/")], None);
        check(
            &[("GANTRY_X_USR", "a")],
            Some("unknown setting GANTRY_X_USR (those of this image begin with GANTRY_X_)"),
        );
        check(
            &[("GANTRY_X_PASSWORD", "a")],
            Some(
                "unknown setting GANTRY_X_PASSWORD (those of this image begin with GANTRY_X_); a password comes from \
                 a file only: set …_PASSWORD_FILE",
            ),
        );
    }
}
