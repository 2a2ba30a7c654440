//! The engine itself: whether one answers that can run a stack, and what is asked of it besides compose.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use crate::read::text;
use crate::{Command, Error, run};

/// Users still run it: Debian 12's own.
const LEAST_API: Version = Version(1, 41);
/// The first that knows `depends_on.required` and merges as our files need it.
const LEAST_COMPOSE: Version = Version(2, 20);
/// An engine that does not answer within it is as good as none.
const PATIENCE: Duration = Duration::from_secs(15);

/// Major and minor; what comes after never decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl FromStr for Version {
    type Err = ();

    /// `1.51`, `2.40.3-3`, `v2.20.0`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim().trim_start_matches('v');
        let mut parts = text.split(['.', '-', '+']);
        let mut next = || parts.next().and_then(|part| part.parse().ok()).ok_or(());
        Ok(Self(next()?, next()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// An engine that can run a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    pub version: String,
    pub api: Version,
    pub compose: Version,
}

impl Engine {
    /// Whether a health check may have an interval of its own while its container starts.
    pub fn has_start_interval(&self) -> bool {
        self.api >= Version(1, 44)
    }
}

/// Whether everything is there that a stack needs. The API is never pinned: client and engine agree on one.
pub async fn check() -> Result<Engine, Error> {
    // `--format json` is not known to clients of 20.10.
    let version = Command::of(["version", "--format", "{{json .}}"]);
    let answer = match run(&version, PATIENCE).await {
        Ok(captured) => captured.stdout,
        Err(Error::Failed { tail, .. }) => {
            let last = tail.lines().last().unwrap_or("it does not say why");
            return Err(Error::Unreachable(last.to_owned()));
        }
        Err(Error::Slow { seconds, .. }) => {
            let detail = format!("nothing came within {seconds} s");
            return Err(Error::Unreachable(detail));
        }
        Err(other) => return Err(other),
    };
    let (engine, api) = engine(&answer)?;
    Ok(Engine {
        version: engine,
        api,
        compose: check_compose().await?,
    })
}

/// Whether the plugin is there that reads compose files, which needs no engine.
pub async fn check_compose() -> Result<Version, Error> {
    match run(&Command::of(["compose", "version", "--short"]), PATIENCE).await {
        Ok(captured) => compose(&captured.stdout),
        Err(Error::Failed { .. }) => Err(Error::NoCompose),
        Err(other) => Err(other),
    }
}

/// Fails where the plugin is missing that builds by a bake file.
pub fn buildx_version() -> Command {
    Command::of(["buildx", "version"])
}

fn engine(answer: &str) -> Result<(String, Version), Error> {
    let unreadable = |why: String| Error::Unreadable {
        command: "docker version".to_owned(),
        why,
    };
    let answer: Value =
        serde_json::from_str(answer).map_err(|error| unreadable(error.to_string()))?;
    let server = &answer["Server"];
    if server.is_null() {
        return Err(Error::Unreachable("the client knows of none".to_owned()));
    }
    let engine = text(server, "Version").to_owned();
    let api: Result<Version, ()> = text(server, "ApiVersion").parse();
    let api = api.map_err(|()| unreadable("it names no API version".to_owned()))?;
    if api < LEAST_API {
        let least = LEAST_API;
        return Err(Error::OldEngine { engine, api, least });
    }
    Ok((engine, api))
}

fn compose(answer: &str) -> Result<Version, Error> {
    let found: Version = answer.parse().map_err(|()| Error::Unreadable {
        command: "docker compose version".to_owned(),
        why: format!("`{}` is no version", answer.trim()),
    })?;
    if found < LEAST_COMPOSE {
        let least = LEAST_COMPOSE;
        return Err(Error::OldCompose { found, least });
    }
    Ok(found)
}

/// Fails where the engine does not have the image.
pub fn image_inspect(image: &str) -> Command {
    Command::of(["image", "inspect", "--format", "{{.Id}}", image])
}

/// A container's last probes, as [`crate::probes`] reads them.
pub fn inspect_health(container: &str) -> Command {
    Command::of(["inspect", "--format", "{{json .State.Health}}", container])
}

/// The images, built from a checkout.
#[derive(Debug, Clone)]
pub struct Bake {
    pub checkout: PathBuf,
    pub targets: Vec<String>,
    /// Goes before each image's name; may be empty.
    pub registry: String,
    pub version: String,
    /// Certificates that steps with network trust, given as the secret `ca`.
    pub ca: Option<PathBuf>,
}

impl Bake {
    pub const FILE: &str = "docker/docker-bake.hcl";

    pub fn command(&self) -> Command {
        let mut command = Command::of(["buildx", "bake", "--file", Self::FILE]);
        if let Some(ca) = &self.ca {
            // It lies outside the checkout, which bake reads only with leave.
            command = command.args(["--allow".to_owned(), format!("fs.read={}", ca.display())]);
        }
        let ca = self.ca.clone().unwrap_or_default();
        command = command.args(&self.targets);
        command.variables = vec![
            ("REGISTRY".to_owned(), self.registry.clone().into()),
            ("VERSION".to_owned(), self.version.clone().into()),
            ("CA".to_owned(), ca.into()),
        ];
        command.folder = Some(self.checkout.clone());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_told_by_what_it_lacks() {
        let check = |answer: &str, expected: &str| {
            let told = match engine(answer) {
                Ok((engine, api)) => format!("{engine} with {api}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(told, expected, "{answer}");
        };
        let answer = |version: &str, api: &str| {
            format!(r#"{{"Client":{{}},"Server":{{"Version":"{version}","ApiVersion":"{api}"}}}}"#)
        };
        check(&answer("28.5.2+dfsg4", "1.51"), "28.5.2+dfsg4 with 1.51");
        check(&answer("20.10.24", "1.41"), "20.10.24 with 1.41");
        check(
            &answer("19.03.1", "1.40"),
            "the Docker Engine 19.03.1 is too old: it speaks API 1.40, and 1.41 is the least",
        );
        check(
            r#"{"Client":{},"Server":null}"#,
            "no Docker Engine answers: the client knows of none",
        );
        check(
            "json",
            "the answer of docker version cannot be read: expected value at line 1 column 1",
        );
    }

    #[test]
    fn compose_is_new_enough_from_2_20_on() {
        for (answer, expected) in [
            ("2.40.3-3\n", "2.40"),
            ("v2.20.0", "2.20"),
            ("5.0.1", "5.0"),
            (
                "2.17.2",
                "docker compose 2.17 is too old: 2.20 is the least",
            ),
            (
                "dev",
                "the answer of docker compose version cannot be read: `dev` is no version",
            ),
        ] {
            let told = compose(answer)
                .map_or_else(|error| error.to_string(), |version| version.to_string());
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn what_is_asked_of_the_engine() {
        let mut bake = Bake {
            checkout: "/gantry".into(),
            targets: vec!["api".to_owned(), "haproxy".to_owned()],
            registry: "registry.example/".to_owned(),
            version: "0.1.0".to_owned(),
            ca: None,
        };
        let plain = bake.command();
        assert_eq!(plain.folder.as_deref(), Some("/gantry".as_ref()));
        bake.ca = Some("/etc/ssl/certs/ca-certificates.crt".into());
        let commands = [
            plain,
            bake.command(),
            image_inspect("gantry/api:0.1.0"),
            inspect_health("gantry-films-api-1"),
        ];
        insta::assert_snapshot!(commands.map(|command| command.to_string()).join("\n"), @r#"
        REGISTRY=registry.example/ VERSION=0.1.0 CA='' docker buildx bake --file docker/docker-bake.hcl api haproxy
        REGISTRY=registry.example/ VERSION=0.1.0 CA=/etc/ssl/certs/ca-certificates.crt docker buildx bake --file docker/docker-bake.hcl --allow fs.read=/etc/ssl/certs/ca-certificates.crt api haproxy
        docker image inspect --format '{{.Id}}' gantry/api:0.1.0
        docker inspect --format '{{json .State.Health}}' gantry-films-api-1
        "#);
    }
}
