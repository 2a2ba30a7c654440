//! What `docker compose ps` and `docker inspect` tell of containers.

use serde_json::Value;

use crate::Error;
use crate::read::{items, number, text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub name: String,
    pub service: String,
    pub image: String,
    pub state: State,
    pub health: Health,
    /// As the engine words it: `Up 3 minutes (healthy)`.
    pub status: String,
    pub exit_code: i64,
    /// `127.0.0.1:8443->8443/tcp`
    pub ports: Vec<String>,
    /// The host's ports among them.
    pub published: Vec<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The container has no health check.
    None,
    Starting,
    Healthy,
    Unhealthy,
}

impl Health {
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// Reads `ps --format json`: a line of JSON for each container, or, before compose 2.21, one array.
pub fn containers(answer: &str) -> Result<Vec<Container>, Error> {
    let unreadable = |why: String| Error::Unreadable {
        command: "docker compose ps".to_owned(),
        why,
    };
    let values = serde_json::Deserializer::from_str(answer).into_iter::<Value>();
    let mut found = Vec::new();
    for value in values {
        match value.map_err(|error| unreadable(error.to_string()))? {
            Value::Array(all) => found.extend(all),
            one => found.push(one),
        }
    }
    let read = found
        .iter()
        .map(|value| container(value).map_err(unreadable));
    let mut containers: Vec<Container> = read.collect::<Result<_, _>>()?;
    containers.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    Ok(containers)
}

fn container(value: &Value) -> Result<Container, String> {
    let state = match text(value, "State") {
        "created" => State::Created,
        "running" => State::Running,
        "paused" => State::Paused,
        "restarting" => State::Restarting,
        "removing" => State::Removing,
        "exited" => State::Exited,
        "dead" => State::Dead,
        other => return Err(format!("`{other}` is no state of a container")),
    };
    let health = match text(value, "Health") {
        "healthy" => Health::Healthy,
        "unhealthy" => Health::Unhealthy,
        "starting" => Health::Starting,
        _ => Health::None,
    };
    let mut ports = Vec::new();
    let mut published = Vec::new();
    for port in items(&value["Publishers"]) {
        let host = number(&port["PublishedPort"]).unwrap_or_default();
        // Ports that are only exposed are published nowhere: 0.
        if host < 1.0 {
            continue;
        }
        let (address, target) = (text(port, "URL"), &port["TargetPort"]);
        let address = if address.contains(':') {
            format!("[{address}]")
        } else {
            address.to_owned()
        };
        ports.push(format!(
            "{address}:{host}->{target}/{}",
            text(port, "Protocol")
        ));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a port is between 1 and 65535"
        )]
        published.push(host as u16);
    }
    ports.sort();
    published.sort_unstable();
    published.dedup();
    Ok(Container {
        id: text(value, "ID").to_owned(),
        name: text(value, "Name").to_owned(),
        service: text(value, "Service").to_owned(),
        image: text(value, "Image").to_owned(),
        state,
        health,
        status: text(value, "Status").to_owned(),
        exit_code: value["ExitCode"].as_i64().unwrap_or_default(),
        ports,
        published,
    })
}

/// One run of a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    pub exit_code: i64,
    pub output: String,
}

/// Reads what [`crate::inspect_health`] answers, the latest last; none where the container has no health check.
pub fn probes(answer: &str) -> Vec<Probe> {
    let health: Value = serde_json::from_str(answer).unwrap_or_default();
    let probes = items(&health["Log"]).map(|probe| Probe {
        exit_code: probe["ExitCode"].as_i64().unwrap_or_default(),
        output: text(probe, "Output").trim().to_owned(),
    });
    probes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = r#"{"ExitCode":0,"Health":"healthy","Image":"gantry/api:0.1.0","Name":"gantry-films-api-1","Publishers":null,"Service":"api","State":"running","Status":"Up 3 minutes (healthy)"}"#;
    const EDGE: &str = r#"{"ExitCode":0,"Health":"starting","Image":"gantry/edge:0.1.0","Name":"gantry-films-edge-1","Publishers":[{"URL":"127.0.0.1","TargetPort":8443,"PublishedPort":8443,"Protocol":"tcp"},{"URL":"::1","TargetPort":8080,"PublishedPort":8080,"Protocol":"tcp"},{"URL":"","TargetPort":9100,"PublishedPort":0,"Protocol":"tcp"}],"Service":"edge","State":"running","Status":"Up 1 second (health: starting)"}"#;
    const SEED: &str = r#"{"ExitCode":3,"Health":"","Image":"gantry/dataflow:0.1.0","Name":"gantry-films-seed-1","Publishers":[],"Service":"seed","State":"exited","Status":"Exited (3) 2 seconds ago"}"#;

    #[test]
    fn both_forms_of_the_list_are_read() {
        let lines = containers(&format!("{SEED}\n{EDGE}\n{API}\n")).unwrap();
        let array = containers(&format!("[{SEED},{EDGE},{API}]")).unwrap();
        assert_eq!(lines, array);
        let told: Vec<String> = lines
            .iter()
            .map(|container| {
                let (state, health) = (container.state.word(), container.health.word());
                let (name, code) = (&container.service, container.exit_code);
                format!(
                    "{name} {state} {health} {code} {:?} {:?}",
                    container.ports, container.published
                )
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        api running healthy 0 [] []
        edge running starting 0 ["127.0.0.1:8443->8443/tcp", "[::1]:8080->8080/tcp"] [8080, 8443]
        seed exited  3 [] []
        "#);
        assert!(containers("").unwrap().is_empty());
        let error = containers(r#"{"State":"odd"}"#).unwrap_err();
        insta::assert_snapshot!(error, @"the answer of docker compose ps cannot be read: `odd` is no state of a container");
    }

    #[test]
    fn the_last_probe_is_the_last_of_the_log() {
        let answer = r#"{"Status":"unhealthy","FailingStreak":2,"Log":[{"ExitCode":0,"Output":"ok"},{"ExitCode":1,"Output":"postgres: down\n"}]}"#;
        let last = probes(answer).pop().unwrap();
        assert_eq!((last.exit_code, &*last.output), (1, "postgres: down"));
        assert!(probes("null").is_empty() && probes("").is_empty());
    }
}
