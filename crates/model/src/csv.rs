//! CSV as RFC 4180 has it: nothing between commas is null, `""` is empty text.

use crate::Lines;

/// The records of a text, the header first, each with the line where it begins. After a mistake there are no more.
pub struct Csv<'a> {
    rest: &'a str,
    line: usize,
    columns: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvRecord {
    /// From 1.
    pub line: usize,
    pub cells: Vec<Option<String>>,
}

/// What is wrong, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCsv {
    pub line: usize,
    pub detail: String,
}

impl<'a> Csv<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            rest: text.strip_prefix('\u{feff}').unwrap_or(text),
            line: 1,
            columns: None,
        }
    }

    fn record(&mut self) -> Result<CsvRecord, BadCsv> {
        let line = self.line;
        let mut cells = Vec::with_capacity(self.columns.unwrap_or(8));
        loop {
            let (cell, more) = self.cell().map_err(|detail| BadCsv {
                line: self.line,
                detail: detail.to_owned(),
            })?;
            cells.push(cell);
            if !more {
                return Ok(CsvRecord { line, cells });
            }
        }
    }

    /// The next cell, and whether another follows in the same record.
    fn cell(&mut self) -> Result<(Option<String>, bool), &'static str> {
        let cell = if let Some(rest) = self.rest.strip_prefix('"') {
            self.rest = rest;
            Some(self.quoted()?)
        } else {
            let end = self
                .rest
                .find([',', '\n', '\r', '"'])
                .unwrap_or(self.rest.len());
            let (cell, rest) = self.rest.split_at(end);
            if rest.starts_with('"') {
                return Err("a quote stands in a cell that does not begin with one");
            }
            self.rest = rest;
            (!cell.is_empty()).then(|| cell.to_owned())
        };
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return Ok((cell, true));
        }
        let ends = ["\r\n", "\n", "\r"]
            .iter()
            .find_map(|end| self.rest.strip_prefix(end));
        match ends {
            Some(rest) => {
                self.rest = rest;
                self.line += 1;
            }
            None if self.rest.is_empty() => {}
            None => return Err("after a closing quote comes a comma or the line's end"),
        }
        Ok((cell, false))
    }

    /// What stands up to the closing quote, two quotes being one.
    fn quoted(&mut self) -> Result<String, &'static str> {
        let mut cell = String::new();
        loop {
            let end = self.rest.find('"').ok_or("a quote is not closed")?;
            let (part, rest) = self.rest.split_at(end);
            cell.push_str(part);
            self.line += part.matches('\n').count();
            self.rest = &rest[1..];
            match self.rest.strip_prefix('"') {
                Some(rest) => {
                    cell.push('"');
                    self.rest = rest;
                }
                None => return Ok(cell),
            }
        }
    }
}

impl Iterator for Csv<'_> {
    type Item = Result<CsvRecord, BadCsv>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let record = self.record();
            let record = match record {
                // A blank line is no record, unless there is but one column, which is null in it then.
                Ok(record) if record.cells == [None] && self.columns != Some(1) => continue,
                Ok(record) => record,
                Err(bad) => {
                    self.rest = "";
                    return Some(Err(bad));
                }
            };
            let columns = *self.columns.get_or_insert(record.cells.len());
            if record.cells.len() == columns {
                return Some(Ok(record));
            }
            self.rest = "";
            let detail = format!(
                "the record has {} cells and the header {columns}",
                record.cells.len()
            );
            return Some(Err(BadCsv {
                line: record.line,
                detail,
            }));
        }
    }
}

/// The same records from a text that comes in pieces, wherever those end: whole ones are taken as they are there.
pub struct CsvPieces {
    lines: Lines,
    /// How far the records taken reach.
    line: usize,
    columns: Option<usize>,
    begun: bool,
}

impl Default for CsvPieces {
    fn default() -> Self {
        Self {
            lines: Lines::quoted(),
            line: 1,
            columns: None,
            begun: false,
        }
    }
}

impl CsvPieces {
    pub fn push(&mut self, piece: &[u8]) {
        self.lines.push(piece);
    }

    /// No piece follows.
    pub fn end(&mut self) {
        self.lines.end();
    }

    /// The bytes of a record that is not whole yet.
    pub fn waiting(&self) -> usize {
        self.lines.waiting()
    }

    /// The next whole record. After a mistake there is no use in asking again.
    pub fn take(&mut self) -> Option<Result<CsvRecord, BadCsv>> {
        loop {
            let Ok(text) = std::str::from_utf8(self.lines.take()?) else {
                return Some(Err(BadCsv {
                    line: self.line,
                    detail: "the text is not UTF-8".to_owned(),
                }));
            };
            let mut records = if self.begun {
                Csv {
                    rest: text,
                    line: self.line,
                    columns: self.columns,
                }
            } else {
                Csv::new(text)
            };
            self.begun = true;
            let record = records.next();
            (self.line, self.columns) = (records.line, records.columns);
            if record.is_some() {
                return record;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        shown(Csv::new(text))
    }

    fn shown(records: impl Iterator<Item = Result<CsvRecord, BadCsv>>) -> String {
        let records = records.map(|record| match record {
            Ok(record) => {
                let cells: Vec<_> = record
                    .cells
                    .iter()
                    .map(|cell| cell.as_ref().map_or("~".to_owned(), |c| format!("<{c}>")))
                    .collect();
                format!("{}: {}", record.line, cells.join(" "))
            }
            Err(bad) => format!("{}! {}", bad.line, bad.detail),
        });
        records.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn null_and_empty_text_differ() {
        for (text, expected) in [
            ("a,b\n1,\n,\"\"\n", "1: <a> <b>; 2: <1> ~; 3: ~ <>"),
            (
                "a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\r\n",
                "1: <a> <b>; 2: <x, y> <say \"hi\">",
            ),
            (
                "a,b\n\"two\nlines\",1\n\n3,4",
                "1: <a> <b>; 2: <two\nlines> <1>; 5: <3> <4>",
            ),
            ("a\n\nx\n", "1: <a>; 2: ~; 3: <x>"),
            ("\u{feff}a,b", "1: <a> <b>"),
            ("", ""),
            (
                "a,b\n1\n",
                "1: <a> <b>; 2! the record has 1 cells and the header 2",
            ),
            (
                "a,b\n\"x\"y,1",
                "1: <a> <b>; 2! after a closing quote comes a comma or the line's end",
            ),
            (
                "a\nx\"y",
                "1: <a>; 2! a quote stands in a cell that does not begin with one",
            ),
            ("a\n\"x", "1: <a>; 2! a quote is not closed"),
        ] {
            assert_eq!(show(text), expected, "{text:?}");
        }
    }

    /// All records, up to the first mistake.
    fn in_pieces(pieces: &[&[u8]]) -> Vec<Result<CsvRecord, BadCsv>> {
        let mut csv = CsvPieces::default();
        let mut records = Vec::new();
        for piece in pieces.iter().copied().map(Some).chain([None]) {
            match piece {
                Some(piece) => csv.push(piece),
                None => csv.end(),
            }
            while let Some(record) = csv.take() {
                let failed = record.is_err();
                records.push(record);
                if failed {
                    return records;
                }
            }
        }
        records
    }

    proptest::proptest! {
        #[test]
        fn records_are_the_same_wherever_the_text_is_cut(
            text in "(\u{feff})?([a-zé,\"\n\r]|\"\"|\r\n|,\"[é,\n]{0,3}\"){0,40}",
            cuts in proptest::collection::vec(0usize..80, 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            let whole = show(&text);
            proptest::prop_assert_eq!(shown(in_pieces(&pieces).into_iter()), whole);
            let each: Vec<_> = bytes.chunks(1).collect();
            proptest::prop_assert_eq!(shown(in_pieces(&each).into_iter()), show(&text));
        }
    }
}
