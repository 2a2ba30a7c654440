//! The process's environment, read once: every fault is told at once, and a variable nobody asked for is a fault.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use crate::{Error, Secret};

/// Variables `GANTRY_<SERVICE>_<NAME>` of one service.
pub struct Env {
    prefix: String,
    variables: BTreeMap<String, String>,
    asked: RefCell<BTreeSet<String>>,
    faults: RefCell<Vec<String>>,
}

impl Env {
    /// Of this process.
    pub fn of_process(service: &str) -> Self {
        Self::new(
            service,
            std::env::vars_os().filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            }),
        )
    }

    pub fn new(service: &str, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let prefix = format!("GANTRY_{}_", service.to_uppercase());
        let variables = variables
            .into_iter()
            .filter(|(name, _)| name.starts_with(&prefix))
            .collect();
        Self {
            prefix,
            variables,
            asked: RefCell::default(),
            faults: RefCell::default(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        let name = format!("{}{name}", self.prefix);
        let text = self.variables.get(&name).map(String::as_str);
        self.asked.borrow_mut().insert(name);
        text
    }

    /// Notes that the variable is no good, for [`Env::finish`].
    pub fn fault(&self, name: &str, why: impl Display) {
        self.faults
            .borrow_mut()
            .push(format!("{}{name}: {why}", self.prefix));
    }

    /// The variable, where it is set.
    pub fn optional<T: FromStr<Err: Display>>(&self, name: &str) -> Option<T> {
        let parsed = self.text(name)?.parse();
        parsed.map_err(|why| self.fault(name, why)).ok()
    }

    /// The variable, or its default.
    pub fn or<T: FromStr<Err: Display>>(&self, name: &str, default: T) -> T {
        self.optional(name).unwrap_or(default)
    }

    /// The variable, which counts milliseconds, or its default.
    pub fn time(&self, name: &str, default: Duration) -> Duration {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.or(name, default))
    }

    /// The variable. Its absence is a fault, told by [`Env::finish`]; until then `placeholder` stands in.
    pub fn required<T: FromStr<Err: Display>>(&self, name: &str, placeholder: T) -> T {
        if self.text(name).is_none() {
            self.fault(name, "must be set");
        }
        self.or(name, placeholder)
    }

    /// The content of the file that `<NAME>_FILE` names. A secret itself never stands in the environment.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        let name = format!("{name}_FILE");
        let path = self.text(&name)?;
        match std::fs::read_to_string(path) {
            Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
            Err(error) => {
                self.fault(&name, format!("{path}: {error}"));
                None
            }
        }
    }

    /// Every fault at once, or none.
    pub fn finish(&self) -> Result<(), Error> {
        let mut faults = self.faults.borrow_mut().split_off(0);
        let asked = self.asked.borrow();
        for name in self.variables.keys().filter(|name| !asked.contains(*name)) {
            let known: Vec<_> = asked.iter().map(String::as_str).collect();
            faults.push(format!(
                "{name}: there is no such setting; there are {}",
                known.join(", ")
            ));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Error::Settings(faults))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once() {
        let variables = [
            ("GANTRY_API_PAGE", "many"),
            ("GANTRY_API_LISEN", "x"),
            ("GANTRY_DATAFLOW_X", "1"),
        ];
        let env = Env::new(
            "api",
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        assert_eq!(env.or("PAGE", 7u64), 7);
        assert_eq!(env.or("LISTEN", 1u16), 1);
        assert_eq!(env.required("DATAFLOW", String::new()), "");
        let Err(Error::Settings(faults)) = env.finish() else {
            panic!("there are faults")
        };
        insta::assert_snapshot!(faults.join("\n"), @r"
        GANTRY_API_PAGE: invalid digit found in string
        GANTRY_API_DATAFLOW: must be set
        GANTRY_API_LISEN: there is no such setting; there are GANTRY_API_DATAFLOW, GANTRY_API_LISTEN, GANTRY_API_PAGE
        ");
    }
}
