//! One HTTP request on one connection, blocking: so little that a fault seen through it is the server's.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// The body, whatever it is.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| String::from_utf8_lossy(&self.body).into_owned())
    }
}

/// An answer that is cut off is an error: it acknowledges nothing.
pub fn request(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> anyhow::Result<Answer> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut message =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        message.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        message.push_str("Content-Type: application/json\r\n");
    }
    message.push_str(
        &[
            "Content-Length: ",
            &body.len().to_string(),
            "\r\n\r\n",
            &body,
        ]
        .concat(),
    );
    stream.write_all(message.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> anyhow::Result<Answer> {
    let end = find(bytes, b"\r\n\r\n").context("the answer was cut off in its head")?;
    let head = std::str::from_utf8(&bytes[..end])?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .context("a status line")?
        .parse()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    let rest = &bytes[end + 4..];
    answer.body = if answer.header("transfer-encoding") == Some("chunked") {
        unchunk(rest)?
    } else {
        let length = answer
            .header("content-length")
            .map_or(Ok(rest.len()), str::parse)?;
        ensure!(rest.len() >= length, "the answer was cut off in its body");
        rest[..length].to_vec()
    };
    Ok(answer)
}

fn unchunk(mut rest: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = find(rest, b"\r\n") else {
            bail!("the answer was cut off between two chunks");
        };
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end])?.trim(), 16)?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest
            .get(end + 2..end + 2 + size)
            .context("the answer was cut off")?;
        body.extend_from_slice(chunk);
        rest = rest
            .get(end + 4 + size..)
            .context("the answer was cut off")?;
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_cut_off_is_no_answer() {
        let check = |text: &str, expected: Option<&str>| {
            let body = parse(text.as_bytes()).ok().map(|answer| answer.body);
            assert_eq!(body.as_deref(), expected.map(str::as_bytes), "{text}");
        };
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", Some("ab"));
        check("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", None);
        check("HTTP/1.1 200 OK\r\nContent-Le", None);
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            Some("abc"),
        );
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            None,
        );
    }
}
