//! A stack as `docker compose config --format json` tells it, as far as starting it needs.

use std::path::PathBuf;

use serde_json::Value;

use crate::Error;
use crate::read::{entries, items, number, text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    pub name: String,
    /// In the order of their names.
    pub services: Vec<Service>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub image: Option<String>,
    pub build: Option<Build>,
    pub replicas: u16,
    /// Runs once and ends: others wait for its end, or its label says so.
    pub job: bool,
    pub checked: bool,
    pub published: Vec<Published>,
    /// Names of the secrets that it reads.
    pub secrets: Vec<String>,
}

/// How an image is made, by absolute paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    pub context: PathBuf,
    pub dockerfile: PathBuf,
}

/// A port of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Every one of the host's addresses unless said.
    pub address: Option<String>,
    pub port: u16,
    /// The container's.
    pub target: u16,
}

impl Stack {
    pub fn read(answer: &str) -> Result<Self, Error> {
        let config: Value = serde_json::from_str(answer).map_err(|error| Error::Unreadable {
            command: "docker compose config".to_owned(),
            why: error.to_string(),
        })?;
        Ok(Self::of(&config))
    }

    pub fn of(config: &Value) -> Self {
        let services = entries(&config["services"]).map(|(name, value)| Service {
            name: name.to_owned(),
            image: value["image"].as_str().map(str::to_owned),
            build: build(&value["build"]),
            replicas: replicas(value),
            job: is_job(config, name),
            checked: is_checked(&value["healthcheck"]),
            published: items(&value["ports"]).filter_map(published).collect(),
            secrets: items(&value["secrets"])
                .map(|secret| text(secret, "source").to_owned())
                .collect(),
        });
        let mut services: Vec<Service> = services.collect();
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            name: text(config, "name").to_owned(),
            services,
        }
    }

    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }
}

fn build(build: &Value) -> Option<Build> {
    let context = PathBuf::from(build["context"].as_str()?);
    let file = build["dockerfile"].as_str().unwrap_or("Dockerfile");
    Some(Build {
        dockerfile: context.join(file),
        context,
    })
}

fn replicas(service: &Value) -> u16 {
    let asked = [&service["scale"], &service["deploy"]["replicas"]];
    let asked = asked.into_iter().find_map(number);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "compose refuses negative counts, and nobody starts 65536"
    )]
    asked.map_or(1, |count| count as u16)
}

/// Whether the service of this name ends by itself.
pub(crate) fn is_job(config: &Value, name: &str) -> bool {
    let services = &config["services"];
    let waited_for = entries(services).any(|(_, service)| {
        text(&service["depends_on"][name], "condition") == "service_completed_successfully"
    });
    waited_for || text(&services[name]["labels"], "gantry.job") == "true"
}

fn is_checked(healthcheck: &Value) -> bool {
    let disabled = healthcheck["disable"] == Value::Bool(true);
    !healthcheck.is_null() && !disabled && healthcheck["test"][0] != "NONE"
}

/// Of a range the first port: the others follow it.
fn published(port: &Value) -> Option<Published> {
    let text_of = text(port, "published");
    let first = text_of.split('-').next()?.parse().ok()?;
    let address = text(port, "host_ip");
    let target = port["target"].as_u64()?;
    Some(Published {
        target: u16::try_from(target).ok()?,
        address: (!address.is_empty()).then(|| address.to_owned()),
        port: first,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_read_from_its_config() {
        let config = r#"{"name":"gantry-films","services":{
            "seed":{"image":"gantry/dataflow:1","labels":{"gantry.job":"true"},"secrets":[{"source":"admin_key","target":"/run/secrets/admin_key"}]},
            "api":{"build":{"context":"/gantry","dockerfile":"docker/Dockerfile"},"image":"gantry/api:1","deploy":{"replicas":2},"healthcheck":{"interval":"30s"},
                "depends_on":{"make":{"condition":"service_completed_successfully","required":true}}},
            "make":{"image":"x","healthcheck":{"disable":true}},
            "edge":{"image":"gantry/edge:1","ports":[{"host_ip":"127.0.0.1","target":8443,"published":"8443"},{"target":80,"published":"9000-9002"},{"target":1}]}
        }}"#;
        let stack = Stack::read(config).unwrap();
        let told: Vec<String> = stack.services.iter().map(|s| format!("{s:?}")).collect();
        insta::assert_snapshot!(format!("{}\n{}", stack.name, told.join("\n")), @r#"
        gantry-films
        Service { name: "api", image: Some("gantry/api:1"), build: Some(Build { context: "/gantry", dockerfile: "/gantry/docker/Dockerfile" }), replicas: 2, job: false, checked: true, published: [], secrets: [] }
        Service { name: "edge", image: Some("gantry/edge:1"), build: None, replicas: 1, job: false, checked: false, published: [Published { address: Some("127.0.0.1"), port: 8443, target: 8443 }, Published { address: None, port: 9000, target: 80 }], secrets: [] }
        Service { name: "make", image: Some("x"), build: None, replicas: 1, job: true, checked: false, published: [], secrets: [] }
        Service { name: "seed", image: Some("gantry/dataflow:1"), build: None, replicas: 1, job: true, checked: false, published: [], secrets: ["admin_key"] }
        "#);
    }
}
