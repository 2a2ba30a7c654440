//! A page for every problem code, written from the one table of codes in crate wire.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};

use crate::program::root;

/// A row of the table: its documentation, then `Variant "code" status Exit "title";`.
struct Row {
    about: String,
    code: String,
    status: String,
    exit: String,
    title: String,
}

/// Pages and their text.
fn pages() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let source = root().join("crates/wire/src/problem.rs");
    let rows = rows(&fs::read_to_string(&source)?)?;
    let folder = root().join("docs/problems");
    let mut pages: Vec<_> = rows
        .iter()
        .map(|row| (folder.join(format!("{}.md", row.code)), page(row)))
        .collect();
    pages.push((folder.join("README.md"), index(&rows)));
    Ok(pages)
}

pub(super) fn write() -> anyhow::Result<()> {
    for (path, text) in pages()? {
        fs::create_dir_all(path.parent().context("a page lies in a folder")?)?;
        fs::write(path, text)?;
    }
    Ok(())
}

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let pages = pages()?;
    let stale = pages
        .iter()
        .filter(|(path, text)| fs::read_to_string(path).ok().as_ref() != Some(text))
        .map(|(path, _)| (path.clone(), "is stale: cargo xtask tidy --write"));
    let folder = root().join("docs/problems");
    let known = |path: &PathBuf| pages.iter().any(|(page, _)| page == path);
    let gone = super::files(&folder)
        .unwrap_or_default()
        .into_iter()
        .filter(|path| !known(path))
        .map(|path| (path, "belongs to no code"));
    Ok(stale
        .chain(gone)
        .map(|(path, what)| format!("{}: {what}", super::below_root(&path).display()))
        .collect())
}

fn rows(source: &str) -> anyhow::Result<Vec<Row>> {
    let (_, table) = source
        .split_once("\ncodes! {")
        .context("problem.rs has the table `codes!`")?;
    let (table, _) = table.split_once("\n}").context("the table has an end")?;
    let mut rows = Vec::new();
    let mut about = String::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(text) = line.strip_prefix("///") {
            about.push_str(text.trim());
            about.push('\n');
            continue;
        }
        let quoted: Vec<&str> = line.split('"').collect();
        let [_, code, middle, title, ";"] = quoted.as_slice() else {
            anyhow::bail!("a row of the table cannot be read: {line}");
        };
        let (status, exit) = middle
            .trim()
            .split_once(' ')
            .context("a status and an exit")?;
        rows.push(Row {
            about: std::mem::take(&mut about),
            code: (*code).to_owned(),
            status: status.to_owned(),
            exit: exit.to_owned(),
            title: (*title).to_owned(),
        });
    }
    ensure!(!rows.is_empty(), "the table of codes is empty");
    Ok(rows)
}

fn page(row: &Row) -> String {
    let Row {
        about,
        code,
        status,
        exit,
        title,
    } = row;
    let number = exit_number(exit);
    format!(
        "<!-- Written by `cargo xtask tidy --write` from crates/wire/src/problem.rs. -->\n\
         # {title}\n\n\
         | code | HTTP status | exit of `gantry` |\n|---|---|---|\n| `{code}` | {status} | {number} |\n\n{about}"
    )
}

fn index(rows: &[Row]) -> String {
    let mut text = "<!-- Written by `cargo xtask tidy --write` from crates/wire/src/problem.rs. -->\n\
         # Problems\n\n\
         Whatever goes wrong is told as an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) document with one of these\n\
         codes: as a body of type `application/problem+json`, as the exit code of `gantry`, later as a tool's error.\n\
         `code` and `status` are stable; `detail` and `hint` are for people and may be worded anew.\n\n\
         | code | HTTP status | exit of `gantry` | |\n|---|---|---|---|\n"
        .to_owned();
    for Row {
        code,
        status,
        exit,
        title,
        ..
    } in rows
    {
        let number = exit_number(exit);
        writeln!(
            text,
            "| [`{code}`]({code}.md) | {status} | {number} | {title} |"
        )
        .expect("a string takes whatever is written");
    }
    text
}

/// As `wire::ExitKind` numbers them; its own documentation says what each means.
fn exit_number(kind: &str) -> &'static str {
    match kind {
        "Input" => "3",
        "NotFound" => "4",
        "Denied" => "5",
        "Conflict" => "6",
        "Unavailable" => "7",
        "Unsafe" => "8",
        _ => "70",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_a_page() {
        let rows = rows("\ncodes! {\n    /// No such\n    /// record.\n    NotFound \"not_found\" 404 NotFound \"None\";\n}\n").unwrap();
        assert!(page(&rows[0]).ends_with("| `not_found` | 404 | 4 |\n\nNo such\nrecord.\n"));
    }
}
