//! One connection that speaks Bolt 5: <https://neo4j.com/docs/bolt/current/bolt/>. Whatever fails ends it.

use std::fmt;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Error;
use crate::packstream::{Reader, Value};

/// The magic word, then what we speak: 5.4 or the one before; nothing else.
const HANDSHAKE: [u8; 20] = [
    0x60, 0x60, 0xB0, 0x17, 0, 1, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];
const AGENT: &str = concat!("gantry/", env!("CARGO_PKG_VERSION"));
/// More than any answer of ours has.
const MOST_BYTES: usize = 16 << 20;

const HELLO: u8 = 0x01;
const LOGON: u8 = 0x6A;
const RUN: u8 = 0x10;
const PULL: u8 = 0x3F;
const SUCCESS: u8 = 0x70;
const RECORD: u8 = 0x71;
const IGNORED: u8 = 0x7E;
const FAILURE: u8 = 0x7F;

pub(crate) struct Connection(TcpStream);

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    pub(crate) async fn open(
        (host, port): (&str, u16),
        user: &str,
        password: &str,
    ) -> Result<Self, Error> {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&HANDSHAKE).await?;
        let mut version = [0; 4];
        stream.read_exact(&mut version).await?;
        if version[3] != 5 {
            return Err(Error::Protocol(
                "the server does not speak Bolt 5.4".to_owned(),
            ));
        }
        let mut connection = Self(stream);
        let hello = Value::map([
            ("user_agent", AGENT.into()),
            ("bolt_agent", Value::map([("product", AGENT.into())])),
        ]);
        let logon = Value::map([
            ("scheme", "basic".into()),
            ("principal", user.into()),
            ("credentials", password.into()),
        ]);
        connection
            .send(&[(HELLO, &[hello]), (LOGON, &[logon])])
            .await?;
        connection.end().await?;
        connection.end().await?;
        Ok(connection)
    }

    /// All rows of the answer.
    pub(crate) async fn run(
        &mut self,
        text: &str,
        parameters: &Value,
    ) -> Result<Vec<Vec<Value>>, Error> {
        let run = [text.into(), parameters.clone(), Value::map([])];
        let all = Value::map([("n", Value::Int(-1))]);
        self.send(&[(RUN, &run), (PULL, &[all])]).await?;
        self.end().await?;
        self.end().await
    }

    async fn send(&mut self, messages: &[(u8, &[Value])]) -> Result<(), Error> {
        let mut out = Vec::new();
        for (tag, fields) in messages {
            let count = u8::try_from(fields.len()).unwrap_or_default();
            let mut message = vec![0xB0 | count, *tag];
            for field in *fields {
                field.write(&mut message);
            }
            for chunk in message.chunks(usize::from(u16::MAX)) {
                let len = u16::try_from(chunk.len()).unwrap_or_default();
                out.extend(len.to_be_bytes());
                out.extend_from_slice(chunk);
            }
            out.extend([0, 0]);
        }
        Ok(self.0.write_all(&out).await?)
    }

    /// The rows up to the end of an answer.
    async fn end(&mut self) -> Result<Vec<Vec<Value>>, Error> {
        let mut rows = Vec::new();
        loop {
            let message = self.receive().await?;
            let mut reader = Reader(&message);
            match reader.tag()? {
                SUCCESS => return Ok(rows),
                RECORD => match reader.value()? {
                    Value::List(row) => rows.push(row),
                    _ => return Err(Error::Protocol("a record is no list".to_owned())),
                },
                FAILURE => return Err(refused(reader.value()?)),
                IGNORED => return Err(Error::Protocol("an answer was left out".to_owned())),
                tag => return Err(Error::Protocol(format!("there is no message {tag:#x}"))),
            }
        }
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Error> {
        let mut message = Vec::new();
        loop {
            let mut len = [0; 2];
            self.0.read_exact(&mut len).await?;
            let len = usize::from(u16::from_be_bytes(len));
            match (len, message.len()) {
                // Between two messages it only says that the server is there.
                (0, 0) => {}
                (0, _) => return Ok(message),
                (_, before) if before + len > MOST_BYTES => {
                    return Err(Error::Protocol("an answer is too large".to_owned()));
                }
                (_, before) => {
                    message.resize(before + len, 0);
                    self.0.read_exact(&mut message[before..]).await?;
                }
            }
        }
    }
}

fn refused(told: Value) -> Error {
    let Value::Map(mut told) = told else {
        return Error::Protocol("a failure says nothing".to_owned());
    };
    let mut text = |name: &str| match told.remove(name) {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    };
    Error::Refused {
        code: text("code"),
        message: text("message"),
    }
}
