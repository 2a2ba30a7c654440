//! The lines of a text that comes in pieces, so that a file of any size is read in the memory of its longest line.

/// Fed with pieces, asked for lines; a line that is not whole yet waits for its rest.
#[derive(Debug, Default)]
pub struct Lines {
    pending: Vec<u8>,
    /// Of `pending`: where the next line begins, and what was looked at already.
    start: usize,
    scanned: usize,
    /// CSV: a line end between quotes ends nothing.
    quotes: bool,
    in_quotes: bool,
    ended: bool,
}

impl Lines {
    pub fn plain() -> Self {
        Self::default()
    }

    /// Where quotes hold line ends, and a carriage return by itself ends a line too.
    pub fn quoted() -> Self {
        Self {
            quotes: true,
            ..Self::default()
        }
    }

    pub fn push(&mut self, piece: &[u8]) {
        self.pending.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.pending.extend_from_slice(piece);
    }

    /// No piece follows, so what is left is the last line.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The bytes of a line that is not whole yet.
    pub fn waiting(&self) -> usize {
        self.pending.len() - self.start
    }

    /// The next whole line, its end included.
    pub fn take(&mut self) -> Option<&[u8]> {
        let end = match self.find_end() {
            Some(end) => end,
            None if self.ended && self.waiting() > 0 => self.pending.len(),
            None => return None,
        };
        let line = self.start..end;
        self.start = end;
        self.scanned = end;
        self.in_quotes = false;
        Some(&self.pending[line])
    }

    fn find_end(&mut self) -> Option<usize> {
        while let Some(byte) = self.pending.get(self.scanned) {
            let next = self.scanned + 1;
            match byte {
                b'"' if self.quotes => self.in_quotes = !self.in_quotes,
                b'\n' if !self.in_quotes => return Some(next),
                b'\r' if self.quotes && !self.in_quotes => match self.pending.get(next) {
                    Some(b'\n') => return Some(next + 1),
                    Some(_) => return Some(next),
                    // Whether a line feed follows is not known yet.
                    None => return self.ended.then_some(next),
                },
                _ => {}
            }
            self.scanned = next;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(mut lines: Lines, pieces: &[&str]) -> String {
        let mut shown = Vec::new();
        let mut take = |lines: &mut Lines| {
            while let Some(line) = lines.take() {
                shown.push(format!("{:?}", std::str::from_utf8(line).unwrap()));
            }
        };
        for piece in pieces {
            lines.push(piece.as_bytes());
            take(&mut lines);
        }
        lines.end();
        take(&mut lines);
        shown.join(" ")
    }

    #[test]
    fn lines_are_whole_wherever_the_pieces_end() {
        for (pieces, plain, quoted) in [
            (&[][..], "", ""),
            (&["a", "b\nc", "\n"], r#""ab\n" "c\n""#, r#""ab\n" "c\n""#),
            (
                &["a\r", "\nb\rc"],
                r#""a\r\n" "b\rc""#,
                r#""a\r\n" "b\r" "c""#,
            ),
            (&["a\r"], r#""a\r""#, r#""a\r""#),
            (
                &["\"a\n", "b\"\nc"],
                r#""\"a\n" "b\"\n" "c""#,
                r#""\"a\nb\"\n" "c""#,
            ),
            (
                &["\"a\"\"\n\"", "\nb"],
                r#""\"a\"\"\n" "\"\n" "b""#,
                r#""\"a\"\"\n\"\n" "b""#,
            ),
            (&["\n\n"], r#""\n" "\n""#, r#""\n" "\n""#),
        ] {
            assert_eq!(show(Lines::plain(), pieces), plain, "{pieces:?}");
            assert_eq!(show(Lines::quoted(), pieces), quoted, "{pieces:?}");
        }
    }
}
