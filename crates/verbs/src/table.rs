//! Aligned columns, as many as the terminal is wide.

use std::io::{self, IsTerminal as _, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

use crate::words;

const HEAD: Style = Style::new().bold();
/// Between columns.
const GAP: usize = 2;
/// On a terminal a cell is cut here, so that one long text does not push the other columns out.
const CELL_MAX: usize = 40;

#[derive(Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

#[derive(Debug)]
struct Column {
    title: String,
    /// Numbers line up at their last digit.
    right: bool,
}

/// Room for a line; none where nobody looks, as in a pipe.
pub fn terminal_width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(stdout).map(|(width, _)| usize::from(width.0))
}

impl Table {
    pub fn new<'a>(titles: impl IntoIterator<Item = &'a str>) -> Self {
        let columns = titles.into_iter().map(|title| Column {
            title: title.to_owned(),
            right: false,
        });
        Self {
            columns: columns.collect(),
            rows: Vec::new(),
        }
    }

    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        self.columns[column].right = true;
        self
    }

    /// Cells in the order of the columns.
    pub fn push(&mut self, cells: &[String]) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows
            .push(cells.iter().map(|cell| printable(cell)).collect());
    }

    /// Writes what fits into `width` and returns how many columns had to be left out.
    pub fn write(&self, out: &mut impl Write, width: Option<usize>) -> io::Result<usize> {
        let natural: Vec<usize> = (0..self.columns.len())
            .map(|index| self.natural_width(index))
            .collect();
        let (widths, shown) = match width {
            None => (natural, self.columns.len()),
            Some(room) => fit(&natural, room),
        };
        let titles: Vec<&str> = self.columns.iter().map(|c| c.title.as_str()).collect();
        let head = self.line(&titles, &widths[..shown]);
        writeln!(out, "{HEAD}{head}{HEAD:#}")?;
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            writeln!(out, "{}", self.line(&cells, &widths[..shown]))?;
        }
        Ok(self.columns.len() - shown)
    }

    /// Prints to standard output, and says on standard error what did not fit.
    pub fn print(&self) -> io::Result<()> {
        let hidden = self.write(&mut anstream::stdout().lock(), terminal_width())?;
        if hidden > 0 {
            writeln!(
                anstream::stderr(),
                "({} more: widen the terminal, say `-f select=…`, or use --output json)",
                words::count(hidden, "column")
            )?;
        }
        Ok(())
    }

    fn natural_width(&self, index: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[index].width());
        cells
            .chain([self.columns[index].title.width()])
            .max()
            .unwrap_or(0)
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, width), column) in cells.iter().zip(widths).zip(&self.columns) {
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            let cell = cut(cell, *width);
            let padding = " ".repeat(width - cell.width());
            if column.right {
                line.push_str(&padding);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&padding);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// The columns' widths, and how many of them fit, at least one. Room that is left goes to those that were cut.
fn fit(natural: &[usize], room: usize) -> (Vec<usize>, usize) {
    let mut widths: Vec<usize> = natural.iter().map(|width| *width.min(&CELL_MAX)).collect();
    let mut used = 0;
    let mut shown = 0;
    for width in &widths {
        let gap = if shown > 0 { GAP } else { 0 };
        if used + gap + width > room && shown > 0 {
            break;
        }
        used += gap + width;
        shown += 1;
    }
    let mut spare = room.saturating_sub(used);
    for (width, natural) in widths.iter_mut().zip(natural).take(shown) {
        let more = spare.min(natural - *width);
        *width += more;
        spare -= more;
    }
    (widths, shown)
}

/// Without line breaks and control characters, which a record could hold to play with the terminal.
pub fn printable(text: &str) -> String {
    if !text.chars().any(char::is_control) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if kept.width() + 1 > width {
            kept.pop();
            break;
        }
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: Option<usize>, expected: &str, hidden: usize) {
        let mut table = Table::new(["title", "votes", "plot"]).right(1);
        table.push(&["Der Himmel".into(), "7".into(), "An angel\nfalls".into()]);
        table.push(&["千と千尋".into(), "1071".into(), "x".repeat(60)]);
        let mut out = Vec::new();
        assert_eq!(table.write(&mut out, width).unwrap(), hidden);
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(text, expected);
    }

    #[test]
    fn columns_align_and_fit() {
        let long = "x".repeat(60);
        check(
            None,
            &format!(
                "title       votes  plot\nDer Himmel      7  An angel\\nfalls\n千と千尋     1071  {long}\n"
            ),
            0,
        );
        let cut = format!("{}…", "x".repeat(50));
        check(
            Some(70),
            &format!(
                "title       votes  plot\nDer Himmel      7  An angel\\nfalls\n千と千尋     1071  {cut}\n"
            ),
            0,
        );
        check(
            Some(20),
            "title       votes\nDer Himmel      7\n千と千尋     1071\n",
            1,
        );
    }
}
