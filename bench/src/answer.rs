//! As much of HTTP as a generator of load must understand: where an answer ends, its status, whether it has a body.

use anyhow::{Context, bail};

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// How many of the bytes are the status line and the headers.
    pub(crate) head: usize,
    pub(crate) body: Body,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// So many bytes follow the head.
    Sized(usize),
    Chunked,
}

impl Answer {
    /// None until the head is whole.
    pub(crate) fn of(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let mut body = Body::Sized(0);
        let mut from = 0;
        while let Some(length) = bytes[from..].iter().position(|byte| *byte == b'\n') {
            let line = bytes[from..from + length].trim_ascii_end();
            from += length + 1;
            if line.is_empty() {
                let status = bytes.get(9..12).and_then(number).context("no status")?;
                return Ok(Some(Self {
                    status: u16::try_from(status)?,
                    head: from,
                    body,
                }));
            }
            if let Some(value) = value(line, b"content-length:") {
                body = Body::Sized(number(value).context("content-length is no number")?);
            } else if let Some(value) = value(line, b"transfer-encoding:") {
                if !value.eq_ignore_ascii_case(b"chunked") {
                    bail!("a body in an encoding that was not asked for");
                }
                body = Body::Chunked;
            }
        }
        Ok(None)
    }

    /// Whether these bytes, of which the answer was read, are all of it.
    pub(crate) fn is_whole(&self, bytes: &[u8]) -> bool {
        match self.body {
            Body::Sized(length) => bytes.len() >= self.head + length,
            // JSON has no bare line ends, so that this cannot stand inside it.
            Body::Chunked => bytes[self.head..].ends_with(b"0\r\n\r\n"),
        }
    }

    pub(crate) fn has_body(&self, bytes: &[u8]) -> bool {
        match self.body {
            Body::Sized(length) => length > 0,
            Body::Chunked => bytes.len() > self.head + b"0\r\n\r\n".len(),
        }
    }
}

fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_head_says() {
        let check = |text: &str, expected: Option<(u16, bool, bool)>| {
            let bytes = text.as_bytes();
            let answer = Answer::of(bytes).unwrap();
            let told = answer.map(|it| (it.status, it.is_whole(bytes), it.has_body(bytes)));
            assert_eq!(told, expected, "{text}");
        };
        check("", None);
        check("HTTP/1.1 200 OK\r\ncontent-le", None);
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
            Some((200, false, true)),
        );
        check(
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\n{}",
            Some((200, true, true)),
        );
        check("HTTP/1.1 201 Created\r\n\r\n", Some((201, true, false)));
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
            Some((200, false, true)),
        );
        check(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
            Some((200, true, true)),
        );
        check(
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            Some((404, true, false)),
        );
    }
}
