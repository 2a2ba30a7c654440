//! A plan: what would be done, as a person reads it.

use std::fmt::{self, Write as _};

use crate::Error;

/// Steps in their order; nothing to do where there are none and no drift.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// `0003_film_add_rating`; empty where there is nothing to do.
    pub name: String,
    pub steps: Vec<Step>,
    /// How the database differs from what the last migration left.
    pub drift: Vec<String>,
    /// Whether it disturbs those who read and write by the models before.
    pub disturbs: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub table: String,
    pub summary: String,
    pub sql: String,
    /// What undoes it.
    pub down: String,
    /// What it takes away, where there is such now.
    pub destructive: Option<AtStake>,
    /// Why it cannot be done, and what to do.
    pub blocked: Option<String>,
    /// Runs by itself after the transaction of the others, without locking the table.
    pub concurrent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtStake {
    /// `values of film.rating`
    pub what: String,
    pub rows: u64,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub fn destructive(&self) -> impl Iterator<Item = &AtStake> {
        self.steps
            .iter()
            .filter_map(|step| step.destructive.as_ref())
    }

    pub fn blocked(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| step.blocked.as_deref())
    }

    /// The plan, if it may be carried out.
    pub fn checked(self, allow_destructive: bool) -> Result<Self, Error> {
        if !self.drift.is_empty() {
            return Err(Error::Drift(self.drift));
        }
        if let Some(why) = self.blocked().next() {
            return Err(Error::Setup(format!("this cannot be migrated: {why}")));
        }
        if self.destructive().next().is_some() && !allow_destructive {
            return Err(Error::Destructive(Box::new(self)));
        }
        Ok(self)
    }

    /// The SQL with a comment for each step.
    pub fn to_sql(&self) -> String {
        let mut sql = String::new();
        for line in &self.drift {
            let _ = writeln!(sql, "-- DRIFT: {line}");
        }
        if !self.name.is_empty() {
            let _ = writeln!(sql, "-- {}", self.name);
        }
        for step in &self.steps {
            let _ = writeln!(sql, "\n-- {}", step.summary);
            if step.concurrent {
                let _ = writeln!(sql, "-- after the transaction, without locking the table");
            }
            if let Some(stake) = &step.destructive {
                let _ = writeln!(sql, "-- DESTRUCTIVE: drops {stake}");
            }
            if let Some(why) = &step.blocked {
                let _ = writeln!(sql, "-- IMPOSSIBLE: {why}");
            }
            sql.push_str(&step.sql);
        }
        sql
    }

    /// Scripts of steps in one text, each after a line `-- summary`.
    pub(super) fn up(&self) -> String {
        let steps = self.steps.iter();
        steps
            .map(|step| format!("-- {}\n{}", step.summary, step.sql))
            .collect::<Vec<_>>()
            .concat()
    }

    pub(super) fn down(&self) -> String {
        let steps = self.steps.iter().rev().filter(|step| !step.down.is_empty());
        steps
            .map(|step| format!("-- undo {}\n{}", step.summary, step.down))
            .collect::<Vec<_>>()
            .concat()
    }
}

/// What [`Plan::up`] and [`Plan::down`] joined.
pub(super) fn scripts(text: &str) -> Vec<String> {
    let mut scripts: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("-- ") || scripts.is_empty() {
            scripts.push(String::new());
        }
        if let Some(script) = scripts.last_mut() {
            script.push_str(line);
            script.push('\n');
        }
    }
    scripts
}

impl fmt::Display for AtStake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", grouped(self.rows), self.what)
    }
}

impl fmt::Display for Plan {
    /// What stands at stake, in one sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stakes: Vec<_> = self.destructive().map(AtStake::to_string).collect();
        write!(f, "{}", stakes.join("; "))
    }
}

/// `3201` as `3,201`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
