//! A probe's conversation with the server on this container's loopback, all of it before one deadline.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Error;

/// Docker ends a probe after four seconds without a word; this leaves time for one.
const LIMIT: Duration = Duration::from_secs(3);

pub(crate) struct Exchange {
    stream: TcpStream,
    deadline: Instant,
    port: u16,
}

impl Exchange {
    pub(crate) fn open(port: u16) -> Result<Self, Error> {
        Self::open_for(port, LIMIT)
    }

    fn open_for(port: u16, limit: Duration) -> Result<Self, Error> {
        let deadline = Instant::now() + limit;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream =
            TcpStream::connect_timeout(&address, limit).map_err(|error| told(port, &error))?;
        Ok(Self {
            stream,
            deadline,
            port,
        })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let port = self.port;
        let sent = self
            .left()
            .and_then(|left| self.stream.set_write_timeout(Some(left)))
            .and_then(|()| self.stream.write_all(bytes));
        sent.map_err(|error| told(port, &error))
    }

    /// Some bytes, at least one.
    pub(crate) fn some(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let port = self.port;
        let read = self
            .left()
            .and_then(|left| self.stream.set_read_timeout(Some(left)))
            .and_then(|()| self.stream.read(buffer));
        match read {
            Ok(0) => Err(told(port, &io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => Ok(count),
            Err(error) => Err(told(port, &error)),
        }
    }

    pub(crate) fn exact<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut buffer = [0; N];
        self.fill(&mut buffer)?;
        Ok(buffer)
    }

    pub(crate) fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), Error> {
        while !buffer.is_empty() {
            let count = self.some(buffer)?;
            buffer = &mut buffer[count..];
        }
        Ok(())
    }

    /// A line without its end, which is CR LF in Redis' protocol and in HTTP's.
    pub(crate) fn line(&mut self) -> Result<String, Error> {
        let mut line = Vec::new();
        while line.len() < 1024 {
            let [byte] = self.exact()?;
            if byte == b'\n' {
                let text = String::from_utf8_lossy(&line);
                return Ok(text.trim_end_matches('\r').to_owned());
            }
            line.push(byte);
        }
        Err(Error::Unfit(format!("port {} answers nonsense", self.port)))
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        // A timeout of nothing would mean none.
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left)
    }
}

fn told(port: u16, error: &io::Error) -> Error {
    let what = match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens yet, or any more".to_owned(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            format!("no answer within {} s", LIMIT.as_secs())
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            "the server hung up".to_owned()
        }
        _ => error.to_string(),
    };
    Error::Unfit(format!("port {port}: {what}"))
}

#[cfg(test)]
pub(crate) mod fake {
    //! A server that waits for one byte before each of its answers.

    use super::*;

    pub(crate) fn answering(answers: &'static [&'static [u8]]) -> Exchange {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = [0; 4096];
            for answer in answers {
                let _ = stream.read(&mut heard).unwrap();
                stream.write_all(answer).unwrap();
            }
        });
        let exchange = Exchange::open_for(port, Duration::from_secs(10)).unwrap();
        // The real one differs from run to run, and messages name it.
        Exchange {
            port: 1,
            ..exchange
        }
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut exchange = Exchange::open_for(port, Duration::from_millis(50)).unwrap();
        let told = exchange.line().unwrap_err().to_string();
        assert!(told.ends_with("no answer within 3 s"), "{told}");
        exchange.send(b"x").unwrap_err();
    }
}
