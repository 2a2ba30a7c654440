//! `gantry init`: the template, written out.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use wire::ExitKind;

use crate::args::{Init, Output};
use crate::failure::Failure;

const FILES: [(&str, &str); 9] = [
    (".gitignore", include_str!("../../template/gitignore")),
    ("README.md", include_str!("../../template/README.md")),
    ("gantry.yaml", include_str!("../../template/gantry.yaml")),
    (
        "models/author.yaml",
        include_str!("../../template/models/author.yaml"),
    ),
    (
        "models/book.yaml",
        include_str!("../../template/models/book.yaml"),
    ),
    (
        "data/authors.csv",
        include_str!("../../template/data/authors.csv"),
    ),
    (
        "data/authors.seed.yaml",
        include_str!("../../template/data/authors.seed.yaml"),
    ),
    (
        "data/books.csv",
        include_str!("../../template/data/books.csv"),
    ),
    (
        "data/books.seed.yaml",
        include_str!("../../template/data/books.seed.yaml"),
    ),
];

pub fn run(args: &Init, output: Output) -> Result<(), Failure> {
    let folder = &args.folder;
    refuse_what_would_be_overwritten(folder)?;
    let name = project_name(folder);
    for (path, text) in FILES {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot make the folder {}", parent.display()))?;
        fs::write(&path, text.replace("{{name}}", &name))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut out = anstream::stdout();
    match output {
        Output::Json => {
            let files: Vec<_> = FILES.iter().map(|(path, _)| path).collect();
            writeln!(
                out,
                "{}",
                json!({"folder": folder, "name": name, "files": files})
            )?;
        }
        Output::Text => {
            writeln!(out, "Made the project `{name}` in {}", folder.display())?;
            let mut err = anstream::stderr();
            writeln!(err, "\nNext: gantry up {}", folder.display())?;
        }
    }
    Ok(())
}

fn refuse_what_would_be_overwritten(folder: &Path) -> Result<(), Failure> {
    if folder.is_file() {
        let detail = format!("{} is a file", folder.display());
        return Err(Failure::refused(ExitKind::Conflict, detail));
    }
    let Ok(mut entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let detail = format!("the folder {} is not empty", folder.display());
    Err(Failure::refused(ExitKind::Conflict, detail)
        .hint("name a folder that does not exist yet; nothing was written"))
}

/// The folder's own name in the letters that a project's name may have.
fn project_name(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let last = absolute.file_name().unwrap_or_default().to_string_lossy();
    let mut name = String::new();
    for c in last.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() {
        "my-app".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn a_folder_names_its_project() {
        for (folder, expected) in [
            ("my-app", "my-app"),
            ("/tmp/My Films 2", "my-films-2"),
            ("/tmp/äöü", "my-app"),
            ("a/b/../Shop", "shop"),
        ] {
            assert_eq!(super::project_name(Path::new(folder)), expected);
        }
    }
}
