//! What a service says of itself and of what it depends on.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// Serves, but something optional is down.
    Degraded,
    Down,
}

/// One report, cascading: each dependency carries its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub service: String,
    pub version: String,
    pub status: Status,
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub name: String,
    pub status: Status,
    /// Without it the service cannot do its job.
    pub required: bool,
    pub latency_us: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<Health>>,
}

impl Health {
    /// The status follows from the dependencies: a required one that is down takes the service with it.
    pub fn of(service: &str, version: &str, dependencies: Vec<Dependency>) -> Self {
        let worst = dependencies
            .iter()
            .map(|dependency| match dependency.status {
                Status::Ok => Status::Ok,
                Status::Down if dependency.required => Status::Down,
                Status::Down | Status::Degraded => Status::Degraded,
            });
        let status = worst.fold(Status::Ok, |sum, status| match (sum, status) {
            (Status::Down, _) | (_, Status::Down) => Status::Down,
            (Status::Degraded, _) | (_, Status::Degraded) => Status::Degraded,
            (Status::Ok, Status::Ok) => Status::Ok,
        });
        Self {
            service: service.to_owned(),
            version: version.to_owned(),
            status,
            dependencies,
        }
    }
}
