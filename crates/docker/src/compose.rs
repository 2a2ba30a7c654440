//! What is asked of `docker compose`, over the files of one stack.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Command;

/// A stack by its files, or by its name alone where it runs already.
#[derive(Debug, Clone, Default)]
pub struct Compose {
    /// Later ones add to earlier ones.
    pub files: Vec<PathBuf>,
    /// What relative paths in the files start from.
    pub folder: Option<PathBuf>,
    /// Over what the files and the environment say.
    pub name: Option<String>,
    /// What the files' `${…}` mean, over what the environment and `.env` say.
    pub variables: Vec<(String, OsString)>,
}

/// How `up` differs from the plain one.
#[derive(Debug, Clone, Default)]
pub struct Up {
    /// Services and how many containers each gets.
    pub scale: Vec<(String, u16)>,
}

impl Compose {
    fn command(&self) -> Command {
        let mut command = Command::of(["compose"]);
        if let Some(name) = &self.name {
            command = command.args(["--project-name", name]);
        }
        if let Some(folder) = &self.folder {
            command = command.arg("--project-directory").arg(folder);
        }
        for file in &self.files {
            command = command.arg("--file").arg(file);
        }
        command.variables.clone_from(&self.variables);
        command
    }

    /// The files as one, every variable replaced.
    pub fn config(&self) -> Command {
        self.command().args(["config", "--format", "json"])
    }

    /// Starts what does not run or has changed, and returns once everything is started.
    pub fn up(&self, up: &Up) -> Command {
        // Images were built or pulled before; an `up` that builds hides how long it takes and why it failed.
        let command = self
            .command()
            .args(["up", "--detach", "--remove-orphans", "--no-build"]);
        up.scale.iter().fold(command, |command, (service, count)| {
            command.arg("--scale").arg(format!("{service}={count}"))
        })
    }

    pub fn down(&self, volumes: bool) -> Command {
        let command = self.command().args(["down", "--remove-orphans"]);
        if volumes {
            command.arg("--volumes")
        } else {
            command
        }
    }

    /// Every container of the stack, the ended ones too.
    pub fn ps(&self) -> Command {
        self.command().args(["ps", "--all", "--format", "json"])
    }

    /// The last lines of a service, without colours and names.
    pub fn logs(&self, service: &str, lines: u16) -> Command {
        let tail = lines.to_string();
        self.command().args([
            "logs",
            "--no-color",
            "--no-log-prefix",
            "--tail",
            &tail,
            service,
        ])
    }

    /// Runs a program inside a service's container, without a terminal.
    pub fn exec(&self, service: &str, program: &[&str]) -> Command {
        self.command().args(["exec", "-T", service]).args(program)
    }

    pub fn build(&self, services: &[&str]) -> Command {
        self.command().arg("build").args(services)
    }

    pub fn pull(&self, services: &[&str]) -> Command {
        self.command().arg("pull").args(services)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_what_a_person_would_type() {
        let compose = Compose {
            files: vec!["compose.yaml".into(), "compose.dev.yaml".into()],
            folder: Some("/films & more".into()),
            name: None,
            variables: vec![("GANTRY_SECRETS".to_owned(), "./.gantry/secrets".into())],
        };
        let named = Compose {
            name: Some("gantry-films".to_owned()),
            ..Compose::default()
        };
        let scale = vec![("api".to_owned(), 3)];
        let commands = [
            compose.config(),
            compose.up(&Up::default()),
            named.up(&Up { scale }),
            compose.build(&["api", "edge"]),
            named.pull(&["redis"]),
            named.down(false),
            named.down(true),
            named.ps(),
            named.logs("api", 20),
            named.exec("api", &["/api", "healthcheck", "--report"]),
        ];
        insta::assert_snapshot!(commands.map(|command| command.to_string()).join("\n"), @r#"
        GANTRY_SECRETS=./.gantry/secrets docker compose --project-directory '/films & more' --file compose.yaml --file compose.dev.yaml config --format json
        GANTRY_SECRETS=./.gantry/secrets docker compose --project-directory '/films & more' --file compose.yaml --file compose.dev.yaml up --detach --remove-orphans --no-build
        docker compose --project-name gantry-films up --detach --remove-orphans --no-build --scale api=3
        GANTRY_SECRETS=./.gantry/secrets docker compose --project-directory '/films & more' --file compose.yaml --file compose.dev.yaml build api edge
        docker compose --project-name gantry-films pull redis
        docker compose --project-name gantry-films down --remove-orphans
        docker compose --project-name gantry-films down --remove-orphans --volumes
        docker compose --project-name gantry-films ps --all --format json
        docker compose --project-name gantry-films logs --no-color --no-log-prefix --tail 20 api
        docker compose --project-name gantry-films exec -T api /api healthcheck --report
        "#);
        assert_eq!(compose.up(&Up::default()).verb(), "docker compose up");
    }
}
