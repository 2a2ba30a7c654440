//! A file's text and the mistakes found in it.

use std::path::{Path, PathBuf};

use crate::Mistake;

/// Where something stands in a file: line and column from 1, columns and width in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: usize,
    pub column: usize,
    pub width: usize,
}

impl Place {
    pub(crate) const START: Self = Self {
        line: 1,
        column: 1,
        width: 1,
    };
}

/// One file while it is read. Reading goes on after a mistake, so that all are told at once.
pub(crate) struct Source<'a> {
    pub file: &'a Path,
    lines: Vec<&'a str>,
    pub mistakes: Vec<Mistake>,
}

/// A line of a data file may be a megabyte; nobody reads that in a terminal.
const LONGEST_SHOWN: usize = 200;
/// Lines of one value in which a part of it is looked for.
const LONGEST_VALUE: usize = 100;

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            lines: text.lines().collect(),
            mistakes: Vec::new(),
        }
    }

    /// Where a part of a value stands as it was written; `at` is the value's own place. Of several lines the first.
    pub(crate) fn find(&self, at: Place, part: &str) -> Option<Place> {
        let wanted = part.lines().next().filter(|line| !line.is_empty())?;
        let lines = self
            .lines
            .iter()
            .enumerate()
            .skip(at.line.saturating_sub(1));
        for (index, line) in lines.take(LONGEST_VALUE) {
            let from = if index + 1 == at.line {
                at.column.saturating_sub(1)
            } else {
                0
            };
            let from = line
                .char_indices()
                .nth(from)
                .map_or(line.len(), |(byte, _)| byte);
            if let Some(found) = line[from..].find(wanted) {
                let column = line[..from + found].chars().count() + 1;
                return Some(Place {
                    line: index + 1,
                    column,
                    width: wanted.chars().count(),
                });
            }
        }
        None
    }

    pub(crate) fn mistake(&mut self, at: Place, message: impl Into<String>, hint: Option<String>) {
        let source = self
            .lines
            .get(at.line.saturating_sub(1))
            .copied()
            .unwrap_or("");
        let shown = source
            .trim_end()
            .chars()
            .take(LONGEST_SHOWN)
            .collect::<String>();
        let room = (shown.chars().count() + 1).saturating_sub(at.column).max(1);
        self.mistakes.push(Mistake {
            file: self.file.to_path_buf(),
            line: at.line,
            column: at.column.max(1),
            // A tab is one character but many columns; the caret must stand under its word.
            source: shown.replace('\t', " "),
            width: at.width.clamp(1, room),
            message: message.into(),
            hint,
        });
    }
}

/// A mistake about a file as a whole.
pub(crate) fn about_file(
    file: impl Into<PathBuf>,
    message: impl Into<String>,
    hint: Option<String>,
) -> Mistake {
    let message = message.into();
    Mistake {
        file: file.into(),
        line: 1,
        column: 1,
        source: String::new(),
        width: 1,
        message,
        hint,
    }
}

/// By file, then by place: the order in which a reader mends them.
pub(crate) fn sort(mistakes: &mut Vec<Mistake>) {
    mistakes.sort_by(|a, b| {
        (&a.file, a.line, a.column, &a.message).cmp(&(&b.file, b.line, b.column, &b.message))
    });
    mistakes.dedup();
}
