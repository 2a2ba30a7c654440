//! Figures that are watched, not forbidden: sizes, comments and traits.

use super::Source;
use super::sources::{code_lines, is_test, outside_tests};

/// One line for people.
pub(super) fn of(sources: &[Source]) -> String {
    let ours: Vec<&Source> = sources
        .iter()
        .filter(|source| !is_test(&source.path))
        .collect();
    let mut sizes: Vec<usize> = ours.iter().map(|source| code_lines(&source.text)).collect();
    sizes.sort_unstable();
    let code: usize = sizes.iter().sum();
    let lines = || ours.iter().flat_map(|source| outside_tests(&source.text));
    let is_doc = |line: &&str| line.starts_with("///") || line.starts_with("//!");
    let docs = lines().filter(is_doc).count();
    let comments = lines()
        .filter(|line| line.starts_with("//") && !is_doc(line))
        .count();
    let traits = lines()
        .filter(|line| line.starts_with("trait ") || line.starts_with("pub trait "))
        .count();
    let p90 = sizes.get(sizes.len() * 9 / 10).copied().unwrap_or_default();
    let per = |count: usize, of: usize| count * of / code.max(1);
    format!(
        "{code} code lines in {} files (p90 {p90}, budget 300); a hundred lines have {} comments (budget 6) and {} of \
         documentation (at least 10); {} traits in ten thousand (budget 7)\n",
        ours.len(),
        per(comments, 100),
        per(docs, 100),
        per(traits, 10_000),
    )
}
