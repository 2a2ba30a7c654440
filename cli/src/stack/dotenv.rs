//! `.env` of a project, as far as gantry asks it: compose reads the same file.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;

use crate::failure::Failure;

pub struct Dotenv {
    /// Whether there is such a file.
    pub exists: bool,
    values: Vec<(String, String)>,
}

impl Dotenv {
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(".env");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self {
                exists: true,
                values: text.lines().filter_map(line).collect(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self {
                exists: false,
                values: Vec::new(),
            }),
            Err(error) => Err(anyhow::Error::new(error)
                .context(format!("cannot read {}", path.display()))
                .into()),
        }
    }

    /// The last one, as in compose.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.values.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Writes the file where there is none. Returns the line that somebody else's file lacks.
    pub fn offer(&self, folder: &Path, lines: &[(&str, &str)]) -> Result<Option<String>, Failure> {
        if self.exists {
            let (name, value) = lines[0];
            return Ok(self
                .value(name)
                .is_none()
                .then(|| format!("{name}={value}")));
        }
        let path = folder.join(".env");
        let mut text = "# Read by docker compose and gantry. No secret stands here.\n".to_owned();
        for (name, value) in lines {
            writeln!(text, "{name}={value}").expect("a string takes whatever is written");
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(None)
    }
}

fn line(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let text = text.strip_prefix("export ").unwrap_or(text);
    let (name, value) = text.split_once('=')?;
    if name.starts_with('#') {
        return None;
    }
    let value = value.trim();
    let quoted = |quote: char| {
        let inner = value.strip_prefix(quote)?;
        inner.split_once(quote).map(|(inner, _)| inner)
    };
    let bare = || value.split(" #").next().unwrap_or_default().trim_end();
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or_else(bare);
    Some((name.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_compose_reads_them() {
        for (text, expected) in [
            ("A=b", Some(("A", "b"))),
            ("export A = \"b c\" # d", Some(("A", "b c"))),
            ("A='b'", Some(("A", "b"))),
            ("A=b # c", Some(("A", "b"))),
            ("A=", Some(("A", ""))),
            ("# A=b", None),
            ("", None),
        ] {
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(line(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_there_is_never_touched() {
        let folder = tempfile::tempdir().unwrap();
        let lines = [("GANTRY_SECRETS", "./s"), ("GANTRY_STACK_NAME", "x")];
        let offer = || {
            Dotenv::read(folder.path())
                .unwrap()
                .offer(folder.path(), &lines)
                .unwrap()
        };
        let read = || fs::read_to_string(folder.path().join(".env")).unwrap();
        assert_eq!(offer(), None);
        assert!(read().ends_with("GANTRY_SECRETS=./s\nGANTRY_STACK_NAME=x\n"));
        assert_eq!(offer(), None);
        fs::write(folder.path().join(".env"), "MINE=1").unwrap();
        assert_eq!(offer().as_deref(), Some("GANTRY_SECRETS=./s"));
        assert_eq!(read(), "MINE=1");
    }
}
