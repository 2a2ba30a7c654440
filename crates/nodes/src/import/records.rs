//! The records of a body that comes in pieces, some hundreds at a time.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use model::{Action, CsvPieces, Lines, Model};
use wire::{Body, ByteStream, Code, Content, Media, Problem};

use crate::body::{self, Header, malformed};
use crate::context::Context;
use crate::idempotency::Hash;
use crate::problem;

/// A part is full with so many records or bytes, whichever is first.
const MOST_RECORDS: usize = 500;
const MOST_BYTES: usize = 256 << 10;
const PIECE: usize = 64 << 10;

pub(super) struct Records<'a> {
    cx: &'a Context<'a>,
    model: &'a Model,
    pieces: ByteStream,
    reader: Reader<'a>,
    /// Bytes that came, and of what.
    read: u64,
    hash: Hash,
    /// Records that were handed out.
    count: usize,
    ended: bool,
}

enum Reader<'a> {
    Lines {
        lines: Lines,
        /// Of the line that comes next, from 1.
        number: usize,
    },
    Csv {
        csv: CsvPieces,
        header: Option<Header<'a>>,
    },
}

/// Records as a JSON list.
pub(super) struct Part {
    pub(super) text: String,
    /// The number of the first among all, from 0.
    pub(super) first: usize,
    /// Where each begins, from 1.
    lines: Vec<usize>,
}

impl<'a> Records<'a> {
    pub(super) fn new(cx: &'a Context<'a>, model: &'a Model, body: Body, hash: Hash) -> Self {
        Self {
            cx,
            model,
            reader: match body.media {
                Media::Csv => Reader::Csv {
                    csv: CsvPieces::default(),
                    header: None,
                },
                // Events are refused before they come here.
                Media::Json | Media::JsonLines | Media::EventStream => Reader::Lines {
                    lines: Lines::plain(),
                    number: 1,
                },
            },
            pieces: match body.content {
                Content::Whole(bytes) => sliced(bytes),
                Content::Stream(stream) => stream,
            },
            read: 0,
            hash,
            count: 0,
            ended: false,
        }
    }

    /// The next part; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, Problem> {
        let mut part = Part {
            text: String::new(),
            first: self.count,
            lines: Vec::new(),
        };
        loop {
            while !part.is_full() && self.take(&mut part)? {}
            if part.is_full() || self.ended {
                break;
            }
            let most = self.cx.limits.body_bytes;
            if self.reader.waiting() > most {
                return Err(Problem::new(Code::PayloadTooLarge)
                    .detail(format!("a record is larger than {most} bytes"))
                    .hint(
                        "a line's end may be missing; or raise `limits.body_bytes` in gantry.yaml",
                    ));
            }
            match self.piece().await? {
                Some(piece) => self.reader.push(&piece),
                None => self.reader.end(),
            }
        }
        if part.lines.is_empty() {
            // As of a body that is read whole: records tell of unknown columns, and here there are none.
            if let (
                0,
                Reader::Csv {
                    header: Some(header),
                    ..
                },
            ) = (self.count, &self.reader)
            {
                header.all_known(self.model)?;
            }
            return Ok(None);
        }
        self.count += part.lines.len();
        part.text.push(']');
        Ok(Some(part))
    }

    /// Of all that came.
    pub(super) fn hash(&self) -> [u8; 32] {
        self.hash.clone().finish()
    }

    /// Goes to the end without looking at anything.
    pub(super) async fn skip(&mut self) -> Result<(), Problem> {
        while self.piece().await?.is_some() {}
        Ok(())
    }

    pub(super) async fn discard(&mut self, most: usize) {
        let mut left = most;
        while !self.ended
            && let Some(Ok(piece)) = self.pieces.next().await
            && let Some(rest) = left.checked_sub(piece.len())
        {
            left = rest;
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        let limits = self.cx.limits;
        let next = tokio::time::timeout(limits.stall, self.pieces.next()).await;
        let next = next.map_err(|_| {
            let detail = format!("nothing of the body came for {:?}", limits.stall);
            Problem::new(Code::Timeout).detail(detail)
        })?;
        let piece = next.transpose().inspect_err(|_| self.ended = true)?;
        let Some(piece) = piece else {
            self.ended = true;
            return Ok(None);
        };
        self.read += piece.len() as u64;
        if self.read > limits.import_bytes {
            return Err(Problem::new(Code::PayloadTooLarge)
                .detail(format!(
                    "the import is larger than {} bytes; nothing is kept",
                    limits.import_bytes
                ))
                .hint("send it in several, or raise `limits.import_bytes` in gantry.yaml"));
        }
        self.hash.update(&piece);
        Ok(Some(piece))
    }

    /// Puts the next record into the part; false where there is no whole one.
    fn take(&mut self, part: &mut Part) -> Result<bool, Problem> {
        match &mut self.reader {
            Reader::Lines { lines, number } => loop {
                let Some(line) = lines.take() else {
                    return Ok(false);
                };
                let at = *number;
                *number += 1;
                let line = line.trim_ascii();
                if !line.is_empty() {
                    let text = body::text(line, self.cx.limits.depth);
                    part.text.push(part.comma());
                    part.text
                        .push_str(text.map_err(|bad| in_line(at, &bad.detail))?);
                    part.lines.push(at);
                    return Ok(true);
                }
            },
            Reader::Csv { csv, header } => loop {
                let Some(record) = csv.take() else {
                    return Ok(false);
                };
                let record = record.map_err(|bad| in_line(bad.line, &bad.detail))?;
                let Some(header) = header else {
                    *header = Some(read_header(self.cx, self.model, record)?);
                    continue;
                };
                let at = record.line;
                let mut out = Vec::new();
                let mut faults = Vec::new();
                let index = part.first + part.lines.len();
                header.write(&record, index, &mut out, &mut faults);
                let comma = part.comma();
                part.lines.push(at);
                if !faults.is_empty() {
                    return Err(part.with_lines(problem::of_input(faults)));
                }
                let text = String::from_utf8(out).map_err(|_| in_line(at, "it is not UTF-8"))?;
                part.text.push(comma);
                part.text.push_str(&text);
                return Ok(true);
            },
        }
    }
}

/// As it would come from a socket, so that no more of it is looked at than of others.
fn sliced(mut whole: Bytes) -> ByteStream {
    let slices = std::iter::from_fn(move || {
        let slice = whole.split_to(whole.len().min(PIECE));
        (!slice.is_empty()).then_some(Ok(slice))
    });
    stream::iter(slices).boxed()
}

/// A field that the caller does not know has no type to be read by.
fn read_header<'a>(
    cx: &Context<'_>,
    model: &'a Model,
    record: model::CsvRecord,
) -> Result<Header<'a>, Problem> {
    let grant = cx.grant(model, Action::Create)?;
    let knows = |field| grant.fields.has(field) || cx.view.shows(model, field);
    Ok(Header::new(record, model, &knows))
}

fn in_line(line: usize, detail: &str) -> Problem {
    malformed(format!("line {line}: {detail}"))
}

impl Reader<'_> {
    fn push(&mut self, piece: &[u8]) {
        match self {
            Self::Lines { lines, .. } => lines.push(piece),
            Self::Csv { csv, .. } => csv.push(piece),
        }
    }

    fn end(&mut self) {
        match self {
            Self::Lines { lines, .. } => lines.end(),
            Self::Csv { csv, .. } => csv.end(),
        }
    }

    fn waiting(&self) -> usize {
        match self {
            Self::Lines { lines, .. } => lines.waiting(),
            Self::Csv { csv, .. } => csv.waiting(),
        }
    }
}

impl Part {
    fn is_full(&self) -> bool {
        self.lines.len() >= MOST_RECORDS || self.text.len() >= MOST_BYTES
    }

    fn comma(&self) -> char {
        if self.lines.is_empty() { '[' } else { ',' }
    }

    /// Says beside each record's number in which line it stands.
    pub(super) fn with_lines(&self, mut problem: Problem) -> Problem {
        let line = |pointer: &str| {
            let number = pointer.strip_prefix('/')?.split('/').next()?;
            let index = number.parse::<usize>().ok()?.checked_sub(self.first)?;
            self.lines.get(index)
        };
        if let Some(first) = problem
            .errors
            .first()
            .and_then(|fault| line(&fault.pointer))
        {
            problem.detail = match problem.errors.len() {
                1 => format!("line {first}: {}", problem.detail),
                _ => format!("{}; the first in line {first}", problem.detail),
            };
        }
        for fault in &mut problem.errors {
            if let Some(line) = line(&fault.pointer) {
                fault.detail = format!("line {line}: {}", fault.detail);
            }
        }
        problem
    }
}
