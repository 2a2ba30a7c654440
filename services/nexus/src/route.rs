//! What a method and a path below `/nexus/v1/` mean. Pure.

use http::Method;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    OpenApi,
    /// `call`
    Nodes,
    /// `call/{node}`
    Node(String),
    Workflows,
    /// `workflows/{name}/runs`
    Start(String),
    Runs,
    Run(Uuid),
    Steps(Uuid),
    Events(Uuid),
    /// `events`, of all runs.
    AllEvents,
    /// `runs/{id}:cancel`
    Act(Uuid, Act),
    Sessions,
    OpenSession,
    Session(String),
    WriteSession(String),
    CloseSession(String),
    /// `hooks/{path}`, which may have slashes in it.
    Hook(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Cancel,
    Retry,
    Replay,
    Signal,
    Approve,
}

impl Act {
    const ALL: [Self; 5] = [
        Self::Cancel,
        Self::Retry,
        Self::Replay,
        Self::Signal,
        Self::Approve,
    ];

    /// As the path and the node `run.<verb>` say it.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Replay => "replay",
            Self::Signal => "signal",
            Self::Approve => "approve",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Astray {
    NoSuchPath,
    /// What stands where a run's id would is none.
    NoSuchRun,
    /// `Allow`.
    Method(&'static str),
    Options(&'static str),
}

/// `path` is what stands after `/nexus/v1/`, as it came.
pub(crate) fn route(method: &Method, path: &str) -> Result<Target, Astray> {
    let target = of_method(target(path)?, method);
    let (allowed, fits) = match target {
        Target::Node(_) | Target::Start(_) | Target::Act(..) | Target::Hook(_) => {
            ("POST, OPTIONS", *method == Method::POST)
        }
        Target::Sessions | Target::OpenSession => (
            "GET, HEAD, POST, OPTIONS",
            matches!(*method, Method::GET | Method::HEAD | Method::POST),
        ),
        Target::Session(_) | Target::WriteSession(_) | Target::CloseSession(_) => (
            "GET, HEAD, PATCH, DELETE, OPTIONS",
            matches!(
                *method,
                Method::GET | Method::HEAD | Method::PATCH | Method::DELETE
            ),
        ),
        _ => (
            "GET, HEAD, OPTIONS",
            matches!(*method, Method::GET | Method::HEAD),
        ),
    };
    match () {
        () if fits => Ok(target),
        () if method == Method::OPTIONS => Err(Astray::Options(allowed)),
        () => Err(Astray::Method(allowed)),
    }
}

/// Where one path means several things.
fn of_method(target: Target, method: &Method) -> Target {
    match target {
        Target::Sessions if *method == Method::POST => Target::OpenSession,
        Target::Session(id) if *method == Method::PATCH => Target::WriteSession(id),
        Target::Session(id) if *method == Method::DELETE => Target::CloseSession(id),
        target => target,
    }
}

fn target(path: &str) -> Result<Target, Astray> {
    let decoded = path
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8().ok());
    let segments: Option<Vec<_>> = decoded.collect();
    let segments = segments.ok_or(Astray::NoSuchPath)?;
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments.as_slice() {
        ["openapi.json"] => Ok(Target::OpenApi),
        ["call"] => Ok(Target::Nodes),
        ["call", node] => Ok(Target::Node((*node).to_owned())),
        ["workflows"] => Ok(Target::Workflows),
        ["workflows", name, "runs"] => Ok(Target::Start((*name).to_owned())),
        ["runs"] => Ok(Target::Runs),
        ["runs", id] => match id.split_once(':') {
            None => Ok(Target::Run(run(id)?)),
            Some((id, verb)) => {
                let act = Act::ALL.into_iter().find(|act| act.verb() == verb);
                Ok(Target::Act(run(id)?, act.ok_or(Astray::NoSuchPath)?))
            }
        },
        ["runs", id, "steps"] => Ok(Target::Steps(run(id)?)),
        ["runs", id, "events"] => Ok(Target::Events(run(id)?)),
        ["events"] => Ok(Target::AllEvents),
        ["sessions"] => Ok(Target::Sessions),
        ["sessions", id] if !id.is_empty() => Ok(Target::Session((*id).to_owned())),
        ["hooks", path @ ..] if !path.is_empty() => Ok(Target::Hook(path.join("/"))),
        _ => Err(Astray::NoSuchPath),
    }
}

fn run(id: &str) -> Result<Uuid, Astray> {
    id.parse().map_err(|_| Astray::NoSuchRun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_and_a_path_mean_one_thing() {
        let told = |line: &str| {
            let line = line.replace("ID", "0199c2f0-a1b2-7c3d-8e4f-5a6b7c8d9e0f");
            let (method, path) = line.split_once(' ').unwrap();
            match route(&method.parse().unwrap(), path) {
                Ok(Target::Start(name)) => format!("start {name}"),
                Ok(Target::Node(name)) => format!("node {name}"),
                Ok(Target::Act(_, act)) => act.verb().to_owned(),
                Ok(Target::Run(_)) => "run".to_owned(),
                Ok(Target::Steps(_)) => "steps".to_owned(),
                Ok(Target::Events(_)) => "events".to_owned(),
                Ok(Target::Hook(path)) => format!("hook {path}"),
                Ok(other) => format!("{other:?}"),
                Err(Astray::Method(allow)) => format!("405 {allow}"),
                Err(Astray::Options(allow)) => format!("204 {allow}"),
                Err(astray) => format!("{astray:?}"),
            }
        };
        for (line, expected) in [
            ("GET workflows", "Workflows"),
            ("POST workflows", "405 GET, HEAD, OPTIONS"),
            ("POST workflows/rate/runs", "start rate"),
            ("GET workflows/rate/runs", "405 POST, OPTIONS"),
            ("GET call", "Nodes"),
            ("POST call/run.read", "node run.read"),
            ("GET call/run.read", "405 POST, OPTIONS"),
            ("GET runs", "Runs"),
            ("GET runs/ID", "run"),
            ("HEAD runs/ID/steps", "steps"),
            ("GET runs/ID/events", "events"),
            ("GET events", "AllEvents"),
            ("POST events", "405 GET, HEAD, OPTIONS"),
            ("POST runs/ID:cancel", "cancel"),
            ("POST runs/ID%3Aretry", "retry"),
            ("POST runs/ID:approve", "approve"),
            ("OPTIONS runs/ID:signal", "204 POST, OPTIONS"),
            ("POST runs/ID:stop", "NoSuchPath"),
            ("GET runs/7", "NoSuchRun"),
            ("GET runs/ID/steps/7", "NoSuchPath"),
            ("POST sessions", "OpenSession"),
            ("PATCH sessions/x", "WriteSession(\"x\")"),
            ("PUT sessions/x", "405 GET, HEAD, PATCH, DELETE, OPTIONS"),
            ("GET sessions/", "NoSuchPath"),
            ("POST hooks/shop/paid", "hook shop/paid"),
            ("POST hooks/paid", "hook paid"),
            ("GET hooks/paid", "405 POST, OPTIONS"),
            ("POST hooks", "NoSuchPath"),
            ("GET openapi.json", "OpenApi"),
            ("GET ", "NoSuchPath"),
            ("GET %ff", "NoSuchPath"),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }
}
