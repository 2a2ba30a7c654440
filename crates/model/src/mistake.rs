//! A mistake in a file, told so that it can be found and mended.

use std::fmt;
use std::path::PathBuf;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Relative to the project's folder.
    pub file: PathBuf,
    /// From 1; columns count characters.
    pub line: usize,
    pub column: usize,
    /// The offending line as it stands in the file.
    pub source: String,
    /// How many characters from `column` are at fault.
    pub width: usize,
    /// What is wrong, without a final dot.
    pub message: String,
    /// The nearest valid word, or what to do.
    pub hint: Option<String>,
}

impl fmt::Display for Mistake {
    /// `models/film.yaml:3:5: …`, the line, a caret, the hint. Without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file.display(),
            self.line,
            self.column,
            self.message
        )?;
        let gutter = self.line.to_string().len();
        write!(f, "\n {:gutter$} |\n {} | {}", "", self.line, self.source)?;
        let carets = "^".repeat(self.width.max(1));
        write!(
            f,
            "\n {:gutter$} | {:indent$}{carets}",
            "",
            "",
            indent = self.column - 1
        )?;
        if let Some(hint) = &self.hint {
            write!(f, " {hint}")?;
        }
        Ok(())
    }
}
