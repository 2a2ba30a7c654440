//! What every Rust file of ours keeps to.

use std::fs;
use std::path::Path;

use super::Source;
use crate::program::root;

const CODE_LINES: usize = 400;
const BANNED_NAMES: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "misc", "base", "core",
];
const BANNED_SUFFIXES: &[&str] = &["Manager", "Processor"];
/// Programs and what they are made of, whose `Error` may be `anyhow`'s; elsewhere only in `main.rs`.
const MAY_USE_ANYHOW: &[&str] = &["cli/", "crates/verbs/", "xtask/", "bench/", "e2e/"];

pub(super) fn read() -> anyhow::Result<Vec<Source>> {
    super::files(&root())?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            Ok(Source {
                text: fs::read_to_string(&path)?,
                path: super::below_root(&path),
            })
        })
        .collect()
}

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(check_one).collect()
}

fn check_one(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    if !source.text.starts_with("//! ") {
        wrong.push((
            1,
            "line one is `//!` and says what the file is for".to_owned(),
        ));
    }
    let lines = code_lines(&source.text);
    if !is_test(&source.path) && lines > CODE_LINES {
        wrong.push((1, format!("{lines} code lines; {CODE_LINES} are the most")));
    }
    for part in source.path.iter().map(|part| part.to_string_lossy()) {
        let stem = part.strip_suffix(".rs").unwrap_or(&part);
        if BANNED_NAMES.contains(&stem) {
            wrong.push((1, format!("`{stem}` names a role, not a thing")));
        }
    }
    for (number, line) in source.text.lines().enumerate() {
        let found = check_line(&source.path, line.trim());
        wrong.extend(found.into_iter().map(|what| (number + 1, what)));
    }
    let path = source.path.display();
    wrong
        .into_iter()
        .map(|(line, what)| format!("{path}:{line}: {what}"))
        .collect()
}

fn check_line(path: &Path, line: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    // Written in two pieces so that this file does not find itself.
    if line.starts_with(concat!("#[", "ignore")) {
        wrong.push("a test that does not run says nothing: repair or delete it".to_owned());
    }
    if line.starts_with(concat!("#[", "should_panic")) {
        wrong.push("check the error instead of a panic".to_owned());
    }
    for mark in [concat!("TO", "DO"), concat!("FIX", "ME")] {
        if has_word(line, mark) && !line.contains(&format!("{mark}(#")) {
            wrong.push(format!(
                "{mark} without the number of an issue: {mark}(#12)"
            ));
        }
    }
    let serde = has_word(line, "Serialize") || has_word(line, "Deserialize");
    if line.starts_with("#[derive(") && serde && !may_derive_serde(path) {
        wrong.push("serde is derived only in crate wire and in settings.rs".to_owned());
    }
    if has_word(line, "anyhow") && !line.starts_with("//") && !may_use_anyhow(path) {
        wrong.push("anyhow is for main.rs and programs; a library has a closed Error".to_owned());
    }
    let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    if words
        .by_ref()
        .any(|word| matches!(word, "struct" | "enum" | "trait"))
        && let Some(name) = words.next()
        && BANNED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        && !line.starts_with("//")
    {
        wrong.push(format!("`{name}` names a role, not a thing"));
    }
    wrong
}

fn may_derive_serde(path: &Path) -> bool {
    path.starts_with("crates/wire") || path.ends_with("settings.rs") || is_test(path)
}

fn may_use_anyhow(path: &Path) -> bool {
    path.ends_with("main.rs")
        || is_test(path)
        || MAY_USE_ANYHOW.iter().any(|folder| path.starts_with(folder))
}

/// Files of integration tests; unit tests are recognised inside their files.
pub(super) fn is_test(path: &Path) -> bool {
    path.iter()
        .any(|part| part == "tests" || part == "tests.rs")
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .any(|found| found == word)
}

/// Lines that are neither blank nor comment, up to the file's own tests.
pub(super) fn code_lines(text: &str) -> usize {
    outside_tests(text)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

/// Trimmed lines before `#[cfg(test)] mod …`, which by habit ends a file.
pub(super) fn outside_tests(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = text.lines().map(str::trim).peekable();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        let inline = lines
            .peek()
            .is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        (line != "#[cfg(test)]" || !inline).then_some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_mistake() {
        let check = |path: &str, text: &str, expected: &[&str]| {
            let source = Source {
                path: path.into(),
                text: format!("//! A file.\n{text}"),
            };
            assert_eq!(check_one(&source), expected, "{text}");
        };
        let serde = "serde is derived only in crate wire and in settings.rs";
        check(
            "crates/store/src/row.rs",
            "#[derive(Debug, Serialize)]",
            &[&format!("crates/store/src/row.rs:2: {serde}")],
        );
        check("crates/wire/src/row.rs", "#[derive(Debug, Serialize)]", &[]);
        check(
            "services/api/src/settings.rs",
            "#[derive(Deserialize)]",
            &[],
        );
        check(
            "a/util.rs",
            "",
            &["a/util.rs:1: `util` names a role, not a thing"],
        );
        check(
            "a/b.rs",
            concat!("pub str", "uct PoolManager {"),
            &["a/b.rs:2: `PoolManager` names a role, not a thing"],
        );
        check("a/b.rs", concat!("// TO", "DO(#12): later"), &[]);
        check(
            "a/b.rs",
            concat!("// TO", "DO: later"),
            &[concat!(
                "a/b.rs:2: TO",
                "DO without the number of an issue: TO",
                "DO(#12)"
            )],
        );
        check(
            "a/b.rs",
            concat!("#[", "ignore]"),
            &["a/b.rs:2: a test that does not run says nothing: repair or delete it"],
        );
        check(
            "a/b.rs",
            &"let a = 1;\n".repeat(401),
            &["a/b.rs:1: 401 code lines; 400 are the most"],
        );
        check("a/tests/it/b.rs", &"let a = 1;\n".repeat(401), &[]);
        check(
            "crates/a/src/b.rs",
            "use anyhow::Context;",
            &[
                "crates/a/src/b.rs:2: anyhow is for main.rs and programs; a library has a closed Error",
            ],
        );
    }

    #[test]
    fn a_files_own_tests_and_comments_are_no_code() {
        let text = "//! A\n\nfn a() {}\n// why\n#[cfg(test)]\nfn b() {}\n#[cfg(test)]\nmod tests {\nfn c() {}\n}\n";
        assert_eq!(code_lines(text), 3);
    }
}
