//! A Docker command as a value: what is started, where, and with which variables besides the caller's own.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

/// Always of the program `docker`; compose and buildx are its plugins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    pub args: Vec<OsString>,
    /// Set for the command, over what the environment says.
    pub variables: Vec<(String, OsString)>,
    /// Where it is started; the caller's own folder unless said.
    pub folder: Option<PathBuf>,
}

impl Command {
    pub fn of<I: IntoIterator<Item = T>, T: Into<OsString>>(args: I) -> Self {
        Self {
            args: args.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    #[must_use]
    pub fn args<I: IntoIterator<Item = T>, T: AsRef<OsStr>>(mut self, args: I) -> Self {
        let args = args.into_iter();
        self.args.extend(args.map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// What it does, in as many words as a message has room for: `docker compose up`.
    pub(crate) fn verb(&self) -> String {
        let mut words = vec!["docker".to_owned()];
        let mut args = self.args.iter().map(|arg| arg.to_string_lossy());
        while let Some(arg) = args.next() {
            if arg.starts_with('-') {
                // Before the verb only options with a value stand.
                args.next();
                continue;
            }
            let is_plugin = arg == "compose" || arg == "buildx";
            words.push(arg.into_owned());
            if !is_plugin {
                break;
            }
        }
        words.join(" ")
    }
}

/// As a shell would take it.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(f, "{name}={} ", quoted(&value.to_string_lossy()))?;
        }
        f.write_str("docker")?;
        for arg in &self.args {
            write!(f, " {}", quoted(&arg.to_string_lossy()))?;
        }
        Ok(())
    }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+*%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
