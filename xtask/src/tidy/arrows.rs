//! Which of our packages may depend on which, and which outside libraries only some may use.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use toml::{Table, Value};

use crate::program::root;

/// The only arrows: a package and what of ours it may depend on. A package that is not here does not exist.
const ARROWS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("docker", &[]),
    ("xtask", &[]),
    ("rounds", &[]),
    ("testkit", &["wire", "model", "store", "client"]),
    ("model", &["wire"]),
    ("chassis", &["wire"]),
    ("cache", &["wire"]),
    ("graph", &["wire"]),
    ("client", &["wire", "rounds"]),
    ("access", &["wire", "model"]),
    ("store", &["wire", "model", "rounds"]),
    (
        "nodes",
        &["wire", "model", "store", "access", "cache", "graph"],
    ),
    (
        "dataflow",
        &[
            "wire", "chassis", "model", "access", "nodes", "store", "cache", "graph",
        ],
    ),
    ("api", &["wire", "chassis", "client"]),
    ("verbs", &["wire", "client"]),
    ("mcp_face", &["wire"]),
    ("flow", &["wire", "model"]),
    ("mcp", &["wire", "chassis", "client", "mcp_face"]),
    (
        "nexus",
        &[
            "wire", "chassis", "client", "model", "flow", "mcp_face", "verbs",
        ],
    ),
    (
        "gantry",
        &[
            "wire", "chassis", "client", "model", "docker", "verbs", "api", "dataflow", "mcp",
            "nexus", "mcp_face",
        ],
    ),
    ("entrypoint", &[]),
    ("e2e", &["wire", "client", "testkit"]),
    ("bench", &["wire", "client", "testkit"]),
    // The suite's fixtures stand where a service would: what is tested is the production router around them.
    (
        "conformance",
        &["wire", "chassis", "dataflow", "flow", "mcp_face", "nexus"],
    ),
];

/// What tests may add to their package's arrows.
const IN_TESTS: &[(&str, &[&str])] = &[
    ("store", &["testkit"]),
    ("cache", &["testkit"]),
    ("nodes", &["testkit"]),
    ("dataflow", &["testkit", "client"]),
    ("client", &["testkit"]),
    // REST is tested down to the rows, in process.
    (
        "api",
        &["testkit", "dataflow", "model", "nodes", "store", "access"],
    ),
    ("mcp", &["testkit", "dataflow"]),
    // Workflows are tested down to the rows, in process.
    ("nexus", &["testkit", "dataflow"]),
    ("gantry", &["testkit"]),
    ("e2e", &[]),
];

/// Libraries that only these packages may use: the only SQL, the only HTTP server and so on stay the only ones.
const CONFINED: &[(&str, &[&str])] = &[
    (
        "anyhow",
        &[
            "gantry",
            "xtask",
            "bench",
            "e2e",
            "conformance",
            "api",
            "dataflow",
            "verbs",
        ],
    ),
    ("tokio-postgres", &["store", "testkit", "bench"]),
    ("deadpool-postgres", &["store", "bench"]),
    ("rusqlite", &["store", "bench"]),
    ("redis", &["cache"]),
    ("rmcp", &["mcp_face", "nexus", "bench", "conformance"]),
    ("clap", &["gantry", "nexus", "verbs"]),
    ("saphyr-parser", &["model"]),
    ("jsonschema", &["model"]),
    ("tracing-subscriber", &["chassis"]),
];

pub(super) fn check() -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for manifest in manifests()? {
        let text = fs::read_to_string(&manifest)?;
        let manifest = super::below_root(&manifest);
        let table: Table = text
            .parse()
            .with_context(|| manifest.display().to_string())?;
        wrong.extend(check_one(&manifest.display().to_string(), &table));
    }
    Ok(wrong)
}

fn manifests() -> anyhow::Result<Vec<std::path::PathBuf>> {
    let files = super::files(&root())?;
    let is_package = |path: &Path| {
        path.file_name().is_some_and(|name| name == "Cargo.toml") && path.parent() != Some(&root())
    };
    Ok(files.into_iter().filter(|path| is_package(path)).collect())
}

fn check_one(manifest: &str, table: &Table) -> Vec<String> {
    let name = table.get("package").and_then(|package| package.get("name"));
    let name = name.and_then(Value::as_str).unwrap_or_default();
    let Some(allowed) = row(ARROWS, name) else {
        return vec![format!(
            "{manifest}: package `{name}` is not in the table of arrows"
        )];
    };
    let mut wrong = Vec::new();
    for (section, extra) in [
        ("dependencies", &[][..]),
        ("build-dependencies", &[]),
        ("dev-dependencies", row(IN_TESTS, name).unwrap_or_default()),
    ] {
        for dependency in names(table, section) {
            let ours = ARROWS.iter().any(|(ours, _)| *ours == dependency);
            let may = allowed.contains(&&*dependency) || extra.contains(&&*dependency);
            if ours && dependency != name && !may {
                wrong.push(format!("{manifest}: {name} may not depend on {dependency}"));
            }
            if let Some(users) = row(CONFINED, &dependency)
                && section != "dev-dependencies"
                && !users.contains(&name)
            {
                wrong.push(format!(
                    "{manifest}: {dependency} is used only by {}",
                    users.join(", ")
                ));
            }
        }
    }
    if table.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true)) {
        wrong.push(format!("{manifest}: `[lints] workspace = true` is missing"));
    }
    wrong
}

fn names(table: &Table, section: &str) -> BTreeSet<String> {
    let own = table.get(section).and_then(Value::as_table);
    let targets = table.get("target").and_then(Value::as_table);
    let of_targets = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(|target| target.get(section)?.as_table());
    own.into_iter()
        .chain(of_targets)
        .flat_map(Table::keys)
        .cloned()
        .collect()
}

fn row(table: &[(&str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    let found = table.iter().find(|(key, _)| *key == name)?;
    Some(found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_that_is_not_drawn_is_found() {
        let check = |text: &str, expected: &[&str]| {
            let text = format!("{text}\n[lints]\nworkspace = true");
            assert_eq!(check_one("m", &text.parse().unwrap()), expected);
        };
        check(
            "[package]\nname = 'store'\n[dependencies]\nwire = '1'\n[dev-dependencies]\ntestkit = '1'",
            &[],
        );
        check(
            "[package]\nname = 'api'\n[dependencies]\nstore = '1'\nrusqlite = '1'",
            &[
                "m: rusqlite is used only by store, bench",
                "m: api may not depend on store",
            ],
        );
        check(
            "[package]\nname = 'extra'",
            &["m: package `extra` is not in the table of arrows"],
        );
    }

    #[test]
    fn the_arrows_have_no_circle() {
        // Each row may name only what stands in a row that can be built before it.
        let mut built: Vec<&str> = Vec::new();
        while built.len() < ARROWS.len() {
            let next = ARROWS.iter().find(|(name, needs)| {
                !built.contains(name) && needs.iter().all(|need| built.contains(need))
            });
            built.push(next.unwrap().0);
        }
    }
}
