//! Where a stack falls short of hardened: a pure function from its resolved configuration to every hole at once.
//!
//! The columns are those of the scorecard in docs/STACK.md; together they also keep what docker-bench-security can see
//! of a compose file in its sections 4 and 5.

mod health;
mod identity;
mod image;
mod limits;
mod networks;
mod never;
mod secrets;
mod service;

use std::fmt;

use serde_json::Value;

use crate::read::entries;
use service::Service;

/// One rule for every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    User,
    ReadOnly,
    Privileges,
    Limits,
    Logging,
    Health,
    DependsOn,
    Networks,
    Ports,
    Secrets,
    Image,
    Never,
    Stop,
}

impl Column {
    pub const ALL: [Self; 13] = [
        Self::User,
        Self::ReadOnly,
        Self::Privileges,
        Self::Limits,
        Self::Logging,
        Self::Health,
        Self::DependsOn,
        Self::Networks,
        Self::Ports,
        Self::Secrets,
        Self::Image,
        Self::Never,
        Self::Stop,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ReadOnly => "read_only",
            Self::Privileges => "privileges",
            Self::Limits => "limits",
            Self::Logging => "logging",
            Self::Health => "healthcheck",
            Self::DependsOn => "depends_on",
            Self::Networks => "networks",
            Self::Ports => "ports",
            Self::Secrets => "secrets",
            Self::Image => "image",
            Self::Never => "never",
            Self::Stop => "stop",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A hole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub service: String,
    pub column: Column,
    /// Where in the configuration, as a JSON pointer.
    pub pointer: String,
    pub what: String,
    /// What to write instead.
    pub fix: String,
}

/// What the stack is for: production allows less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Development,
    Production,
}

/// What was looked at, and every hole, by service and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub services: Vec<String>,
    pub findings: Vec<Finding>,
}

impl Report {
    pub fn passes(&self, service: &str, column: Column) -> bool {
        let hole = |finding: &&Finding| finding.service == service && finding.column == column;
        !self.findings.iter().any(|finding| hole(&finding))
    }
}

/// `config` is what `docker compose config --format json` answers.
pub fn lint(config: &Value, stage: Stage) -> Report {
    let mut services: Vec<&str> = entries(&config["services"]).map(|(name, _)| name).collect();
    services.sort_unstable();
    let mut findings = Vec::new();
    for name in &services {
        let service = Service::of(config, name, stage);
        let mut holes = Holes {
            service: name,
            findings: &mut findings,
        };
        identity::check(&service, &mut holes);
        limits::check(&service, &mut holes);
        health::check(&service, &mut holes);
        networks::check(&service, &mut holes);
        secrets::check(&service, &mut holes);
        image::check(&service, &mut holes);
        never::check(&service, &mut holes);
    }
    findings.sort();
    findings.dedup();
    Report {
        services: services.into_iter().map(str::to_owned).collect(),
        findings,
    }
}

/// Where the checks of one service write what they find.
struct Holes<'a> {
    service: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Holes<'_> {
    /// `place` is below the service: `read_only`, `ports/0/host_ip`.
    fn found(
        &mut self,
        column: Column,
        place: &str,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.findings.push(Finding {
            service: self.service.to_owned(),
            column,
            pointer: format!("/services/{}/{place}", self.service),
            what: what.into(),
            fix: fix.into(),
        });
    }
}

#[cfg(test)]
mod tests;
