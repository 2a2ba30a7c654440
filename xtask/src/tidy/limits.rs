//! docs/LIMITS.md names every limit of gantry.yaml in the words of its key, and only codes that there are.

use std::fs;

use anyhow::Context;

use crate::program::root;

const PAGE: &str = "docs/LIMITS.md";
const KEYS: &str = "crates/model/src/keys/project.rs";

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let page = fs::read_to_string(root().join(PAGE)).with_context(|| PAGE.to_owned())?;
    let keys = fs::read_to_string(root().join(KEYS)).with_context(|| KEYS.to_owned())?;
    let (_, table) = keys
        .split_once("static LIMITS: Table")
        .context("the table of limits")?;
    let is_code = |code: &str| {
        let file = format!("docs/problems/{code}.md");
        root().join(file).exists()
    };
    Ok(wrong(&page, table, &is_code))
}

fn wrong(page: &str, table: &str, is_code: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, about) in keys(table) {
        let row = format!("| `{name}` | {about} |");
        if !page.lines().any(|line| line.starts_with(&row)) {
            wrong.push(format!("{PAGE}: a row must begin with {row}"));
        }
    }
    let codes = page.split("](problems/").skip(1);
    let codes = codes.filter_map(|link| link.split_once(".md)"));
    for (code, _) in codes.filter(|(code, _)| !is_code(code)) {
        wrong.push(format!("{PAGE}: there is no problem `{code}`"));
    }
    wrong
}

/// Each `key("name", Shape, "about")`: its first text and its last.
fn keys(table: &str) -> Vec<(&str, &str)> {
    let keys = table.split("key(").skip(1);
    keys.filter_map(|key| {
        let (key, _) = key.split_once("),\n        key").unwrap_or((key, ""));
        let mut texts = key.split('"').skip(1).step_by(2);
        Some((texts.next()?, texts.next()?))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_without_a_row_and_a_code_that_is_none_are_told() {
        let table = "= {\n key(\n \"page\",\n Shape::Count(1, 2),\n \"Records; 50 unless said.\",\n ),\n key(\"bulk\", Shape::Size, \"Operations.\"),";
        let page = "| `page` | Records; 50 unless said. | [400](problems/none.md) |";
        let told = wrong(page, table, &|_| false);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("| `bulk` | Operations. |") && told[1].contains("`none`"));
    }
}
