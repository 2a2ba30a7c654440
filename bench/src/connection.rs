//! One connection of the generator of load: a request on its way out, its answer on its way in.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use anyhow::{bail, ensure};
use mio::net::TcpStream;

use crate::answer::Answer;

/// Most answers fit; the rest make it grow.
const INBOX: usize = 16 << 10;

pub(crate) struct Connection {
    stream: TcpStream,
    asked_at: Instant,
    waiting: bool,
    /// What the socket did not take at once.
    unsent: Vec<u8>,
    inbox: Vec<u8>,
    filled: usize,
    answer: Option<Answer>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            asked_at: Instant::now(),
            waiting: false,
            unsent: Vec::new(),
            inbox: vec![0; INBOX],
            filled: 0,
            answer: None,
        }
    }

    pub(crate) fn asked_at(&self) -> Instant {
        self.asked_at
    }

    pub(crate) fn ask(&mut self, request: &[u8], now: Instant) -> anyhow::Result<()> {
        self.asked_at = now;
        self.waiting = true;
        let sent = self.send(request)?;
        self.unsent.extend_from_slice(&request[sent..]);
        Ok(())
    }

    /// Sends and reads what the socket is ready for; true when the answer is whole, and was a good one.
    pub(crate) fn advance(&mut self, answer_has_body: bool) -> anyhow::Result<bool> {
        if !self.unsent.is_empty() {
            let rest = std::mem::take(&mut self.unsent);
            let sent = self.send(&rest)?;
            self.unsent.extend_from_slice(&rest[sent..]);
        }
        while self.waiting {
            if self.filled == self.inbox.len() {
                self.inbox.resize(self.filled * 2, 0);
            }
            match self.stream.read(&mut self.inbox[self.filled..]) {
                Ok(0) => bail!("the server closed a connection before it answered"),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
            if self.is_answered(answer_has_body)? {
                self.waiting = false;
                self.filled = 0;
                self.answer = None;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_answered(&mut self, answer_has_body: bool) -> anyhow::Result<bool> {
        let bytes = &self.inbox[..self.filled];
        if self.answer.is_none() {
            self.answer = Answer::of(bytes)?;
        }
        let Some(answer) = &self.answer else {
            return Ok(false);
        };
        if !answer.is_whole(bytes) {
            return Ok(false);
        }
        let told = || String::from_utf8_lossy(bytes);
        ensure!((200..300).contains(&answer.status), "refused: {}", told());
        ensure!(
            !answer_has_body || answer.has_body(bytes),
            "an answer without a body: {}",
            told()
        );
        Ok(true)
    }

    /// How many of the bytes the socket took.
    fn send(&mut self, bytes: &[u8]) -> anyhow::Result<usize> {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(sent)
    }
}
