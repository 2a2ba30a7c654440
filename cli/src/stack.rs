//! A project as a stack of containers: what it is called, where its secrets are, and which compose files it is.

mod board;
mod dotenv;
mod files;
mod images;
mod ports;
mod post_mortem;
mod standing;
mod waiting;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use docker::{Captured, Command, Compose, Container};

use crate::args::{StackName, StackSecrets, Stage};
use crate::failure::Failure;
use dotenv::Dotenv;

pub use board::Board;
pub use files::{RENDERED, overlays, render, workshop};
pub use images::{Building, Wish};
pub use ports::told_before as ports_told_before;
pub use post_mortem::tell as tell_post_mortem;
pub use standing::{Phase, Standing};
pub use waiting::{Ended, Start};

/// How long an engine may take to answer what costs it nothing.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A project's stack, whether it runs or not.
pub struct Place {
    /// The project's folder, from the root.
    pub folder: PathBuf,
    /// Compose's name for the stack.
    pub name: String,
    pub secrets: PathBuf,
    /// As `.env` is to name them.
    pub secrets_named: String,
    /// What the folder's `.env` says.
    pub dotenv: Dotenv,
}

impl Place {
    /// Options and the environment go over `.env`, as in compose itself.
    pub fn of(
        folder: &Path,
        name: &StackName,
        secrets: Option<&StackSecrets>,
    ) -> Result<Self, Failure> {
        crate::platform::is_project(folder)?;
        let folder = std::path::absolute(folder)?.canonicalize()?;
        let dotenv = Dotenv::read(&folder)?;
        let said = |given: Option<String>, variable: &str| {
            let given = given.filter(|text| !text.is_empty());
            given.or_else(|| dotenv.value(variable).map(str::to_owned))
        };
        let name = said(name.name.clone(), "GANTRY_STACK_NAME")
            .unwrap_or_else(|| stack_name(&model::project_name(&folder)));
        let given = secrets.and_then(|secrets| secrets.secrets.as_ref());
        let given = given.map(|path| path.to_string_lossy().into_owned());
        let secrets_named =
            said(given, "GANTRY_SECRETS").unwrap_or_else(|| "./.gantry/secrets".to_owned());
        Ok(Self {
            // Without the `.` in the middle.
            secrets: folder.join(&secrets_named).components().collect(),
            secrets_named,
            folder,
            name,
            dotenv,
        })
    }

    /// As it runs: by its name alone, whatever became of the files.
    pub fn running(&self) -> Compose {
        Compose {
            name: Some(self.name.clone()),
            ..Compose::default()
        }
    }

    /// By its files: the project's own where it has them, else ours.
    pub fn compose(&self, stage: Stage) -> Result<Compose, Failure> {
        let variables: Vec<(&str, OsString)> = vec![
            ("GANTRY_PROJECT", self.folder.clone().into()),
            ("GANTRY_SECRETS", self.secrets.clone().into()),
            ("GANTRY_STACK_NAME", self.name.clone().into()),
        ];
        Ok(Compose {
            files: files::of(&self.folder, stage)?,
            folder: Some(self.folder.clone()),
            name: Some(self.name.clone()),
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        })
    }

    /// The containers that there are.
    pub async fn containers(&self) -> Result<Vec<Container>, Failure> {
        let mut tries = 1;
        loop {
            match ask(&self.running().ps()).await {
                Ok(captured) => return Ok(docker::containers(&captured.stdout)?),
                // Compose lists containers, then looks at each: one that is replaced meanwhile is gone.
                Err(docker::Error::Failed { .. }) if tries < 5 => tries += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Runs what costs the engine nothing.
pub async fn ask(command: &Command) -> Result<Captured, docker::Error> {
    docker::run(command, PATIENCE).await
}

/// In the letters that compose takes.
fn stack_name(project: &str) -> String {
    let lower = project.to_lowercase();
    let letters = lower.chars().map(|c| match c {
        'a'..='z' | '0'..='9' | '_' | '-' => c,
        _ => '-',
    });
    format!("gantry-{}", letters.collect::<String>().trim_matches('-'))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_stack_is_called_after_its_project() {
        for (project, expected) in [
            ("films", "gantry-films"),
            ("My Films (2)", "gantry-my-films--2"),
        ] {
            assert_eq!(super::stack_name(project), expected);
        }
    }
}
