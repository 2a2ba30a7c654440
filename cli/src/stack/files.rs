//! The compose files of a stack: ours, a project's own, and what is laid over them.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use docker::{Engine, Stack};
use serde_json::{Map, Value, json};
use wire::ExitKind;

use crate::args::Stage;
use crate::failure::Failure;
use crate::secrets;

/// What `gantry render compose` writes.
pub const RENDERED: [(&str, &str); 3] = [
    (BASE, include_str!("../../../deploy/compose/compose.yaml")),
    (
        "compose.dev.yaml",
        include_str!("../../../deploy/compose/compose.dev.yaml"),
    ),
    (
        "compose.prod.yaml",
        include_str!("../../../deploy/compose/compose.prod.yaml"),
    ),
];
/// For those who work on Gantry itself; never rendered.
const WORKSHOP: (&str, &str) = (
    "compose.workshop.yaml",
    include_str!("../../../deploy/compose/compose.workshop.yaml"),
);
const BASE: &str = "compose.yaml";
/// The user's; never written.
const OVERRIDE: &str = "compose.override.yaml";
/// Where ours lie in a project that has none of its own.
const FOLDER: &str = ".gantry/compose";

/// Which files make the stack, ours written anew where the project has none.
pub(super) fn of(project: &Path, stage: Stage) -> Result<Vec<PathBuf>, Failure> {
    let layer = format!("compose.{}.yaml", stage.word());
    let is_own = project.join(BASE).is_file();
    let folder = if is_own {
        project.to_owned()
    } else {
        let folder = project.join(FOLDER);
        make(&folder)?;
        for (name, text) in RENDERED {
            write(&folder.join(name), text)?;
        }
        folder
    };
    if !folder.join(&layer).is_file() {
        let detail = format!("{} has a compose.yaml, but no {layer}", project.display());
        return Err(Failure::refused(ExitKind::NotFound, detail)
            .hint("`gantry render compose` writes all of them; a compose.yaml of another program needs another folder"));
    }
    let mut files = vec![folder.join(BASE), folder.join(layer)];
    let more = project.join(OVERRIDE);
    if more.is_file() {
        files.push(more);
    }
    Ok(files)
}

/// The layer that builds services from a checkout whenever a source is saved.
pub fn workshop(project: &Path) -> Result<PathBuf, Failure> {
    let folder = project.join(FOLDER);
    make(&folder)?;
    let (name, text) = WORKSHOP;
    write(&folder.join(name), text)?;
    Ok(folder.join(name))
}

/// Writes our files into the project. Returns those written; those that say the same already are left alone.
pub fn render(project: &Path, force: bool) -> Result<Vec<&'static str>, Failure> {
    let mut stale = Vec::new();
    let mut changed = Vec::new();
    for (name, text) in RENDERED {
        let found = fs::read_to_string(project.join(name)).ok();
        match found {
            Some(found) if found == text => {}
            Some(_) if !force => changed.push(name),
            _ => stale.push((name, text)),
        }
    }
    if !changed.is_empty() {
        let detail = format!(
            "{} would be overwritten, and not what this version writes stands there",
            changed.join(", ")
        );
        return Err(Failure::refused(ExitKind::Conflict, detail).hint(
            "keep what is yours in compose.override.yaml, which is never touched, then say --force; nothing was written",
        ));
    }
    for (name, text) in &stale {
        write(&project.join(name), text)?;
    }
    Ok(stale.into_iter().map(|(name, _)| name).collect())
}

/// What depends on this engine and on secrets that were replaced, as files to lay over the others.
pub fn overlays(
    project: &Path,
    engine: &Engine,
    stack: &Stack,
    secrets: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let folder = project.join(FOLDER);
    let mut files = Vec::new();
    let changed = |name: &str| secrets::changed_at(secrets, name);
    for (name, overlay) in [
        (
            "compose.start-interval.yaml",
            engine.has_start_interval().then(|| start_interval(stack)),
        ),
        ("compose.secrets.yaml", replaced(stack, changed)),
    ] {
        let Some(overlay) = overlay else {
            continue;
        };
        make(&folder)?;
        // JSON is YAML.
        write(&folder.join(name), &format!("{overlay:#}\n"))?;
        files.push(folder.join(name));
    }
    Ok(files)
}

/// Probes every second while a container starts, then each half minute: the exec is what a probe costs. Engines before
/// API 1.44 refuse the key.
fn start_interval(stack: &Stack) -> Value {
    let checked = stack.services.iter().filter(|service| service.checked);
    let services = checked.map(|service| {
        let check = json!({"healthcheck": {"interval": "30s", "start_interval": "1s"}});
        (service.name.clone(), check)
    });
    json!({"services": services.collect::<Map<String, Value>>()})
}

/// Compose does not look into secrets, so a label that changes makes it replace the containers that read them.
fn replaced(stack: &Stack, changed: impl Fn(&str) -> Option<u64>) -> Option<Value> {
    let mut services = Map::new();
    for service in &stack.services {
        let latest = service
            .secrets
            .iter()
            .filter_map(|name| changed(name))
            .max();
        if let Some(latest) = latest {
            let label = json!({"labels": {"gantry.secrets.changed": latest.to_string()}});
            services.insert(service.name.clone(), label);
        }
    }
    (!services.is_empty()).then(|| json!({"services": services}))
}

fn make(folder: &Path) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    Ok(made.with_context(|| format!("cannot make {}", folder.display()))?)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    Ok(fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_own_files_go_before_ours() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path();
        let told = || {
            let files = of(project, Stage::Prod).unwrap().into_iter();
            let files = files.map(|file| file.strip_prefix(project).unwrap().display().to_string());
            files.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            told(),
            ".gantry/compose/compose.yaml .gantry/compose/compose.prod.yaml"
        );
        assert_eq!(render(project, false).unwrap().len(), 3);
        fs::write(project.join(OVERRIDE), "services: {}").unwrap();
        assert_eq!(
            told(),
            "compose.yaml compose.prod.yaml compose.override.yaml"
        );
        fs::remove_file(project.join("compose.prod.yaml")).unwrap();
        of(project, Stage::Prod).unwrap_err();
    }

    #[test]
    fn rendering_overwrites_nothing_that_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path();
        render(project, false).unwrap();
        assert!(
            render(project, false).unwrap().is_empty(),
            "they say the same"
        );
        fs::write(project.join(BASE), "mine").unwrap();
        fs::remove_file(project.join("compose.dev.yaml")).unwrap();
        render(project, false).unwrap_err();
        assert!(
            !project.join("compose.dev.yaml").exists(),
            "nothing was written"
        );
        assert_eq!(render(project, true).unwrap(), [BASE, "compose.dev.yaml"]);
    }

    #[test]
    fn what_is_laid_over_names_only_whom_it_concerns() {
        let stack = Stack::read(
            r#"{"services": {"a": {"healthcheck": {"interval": "5s"}, "secrets": [{"source": "x"}, {"source": "y"}]},
                "b": {"secrets": [{"source": "z"}]}}}"#,
        )
        .unwrap();
        insta::assert_snapshot!(start_interval(&stack), @r#"
        {"services":{"a":{"healthcheck":{"interval":"30s","start_interval":"1s"}}}}
        "#);
        assert_eq!(replaced(&stack, |_| None), None);
        let changed = |name: &str| Some(u64::from(name == "y") + 7).filter(|_| name != "z");
        insta::assert_snapshot!(replaced(&stack, changed).unwrap(), @r#"
        {"services":{"a":{"labels":{"gantry.secrets.changed":"8"}}}}
        "#);
    }
}
