//! As much of PostgreSQL's protocol as a probe speaks: SCRAM, and a simple query.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;

use crate::Error;
use crate::exchange::Exchange;
use crate::secret::Secret;

/// What a probe is told is short; more is not PostgreSQL.
const LONGEST: usize = 64 << 10;

pub(super) struct Session {
    exchange: Exchange,
    heard: BytesMut,
}

impl Session {
    pub(super) fn open(
        exchange: Exchange,
        role: &str,
        database: &str,
        password: &Secret,
    ) -> Result<Self, Error> {
        let mut session = Self {
            exchange,
            heard: BytesMut::new(),
        };
        let parameters = [
            ("user", role),
            ("database", database),
            ("application_name", "probe"),
        ];
        session.say(|buffer| frontend::startup_message(parameters, buffer))?;
        session.authenticate(password)?;
        while !matches!(session.next()?, Message::ReadyForQuery(_)) {}
        Ok(session)
    }

    fn authenticate(&mut self, password: &Secret) -> Result<(), Error> {
        let mut scram =
            ScramSha256::new(password.reveal().as_bytes(), ChannelBinding::unsupported());
        let mut proven = false;
        loop {
            match self.next()? {
                Message::AuthenticationSasl(_) => self.say(|buffer| {
                    frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), buffer)
                })?,
                Message::AuthenticationSaslContinue(body) => {
                    scram
                        .update(body.data())
                        .map_err(|error| nonsense(&error))?;
                    self.say(|buffer| frontend::sasl_response(scram.message(), buffer))?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    scram
                        .finish(body.data())
                        .map_err(|error| nonsense(&error))?;
                    proven = true;
                }
                Message::AuthenticationOk if proven => return Ok(()),
                Message::AuthenticationOk => {
                    return Err(Error::Unfit(
                        "the server let the role in without asking for the password".to_owned(),
                    ));
                }
                _ => {
                    return Err(Error::Unfit(
                        "the server asks for something else than SCRAM".to_owned(),
                    ));
                }
            }
        }
    }

    pub(super) fn query(&mut self, text: &str) -> Result<(), Error> {
        self.say(|buffer| frontend::query(text, buffer))
    }

    /// The next message that is no error.
    pub(super) fn next(&mut self) -> Result<Message, Error> {
        loop {
            match Message::parse(&mut self.heard).map_err(|error| nonsense(&error))? {
                Some(Message::ErrorResponse(body)) => return Err(refused(&body)),
                Some(Message::NoticeResponse(_)) => {}
                Some(message) => return Ok(message),
                None => self.hear()?,
            }
        }
    }

    pub(super) fn end(mut self) {
        // The answer is known; a server that does not hear the farewell sees the end of the connection.
        let _ = self.say(|buffer| {
            frontend::terminate(buffer);
            Ok(())
        });
    }

    fn hear(&mut self) -> Result<(), Error> {
        let mut buffer = [0; 4096];
        let count = self.exchange.some(&mut buffer)?;
        self.heard.extend_from_slice(&buffer[..count]);
        let announced = self.heard.get(1..5).map(|length| {
            length
                .iter()
                .fold(0_usize, |length, byte| length << 8 | usize::from(*byte))
        });
        if self.heard.len().max(announced.unwrap_or_default()) > LONGEST {
            return Err(Error::Unfit("the server's answer is too long".to_owned()));
        }
        Ok(())
    }

    fn say(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        let mut buffer = BytesMut::new();
        write(&mut buffer).map_err(Error::io("writing a message"))?;
        self.exchange.send(&buffer)
    }
}

fn nonsense(error: &std::io::Error) -> Error {
    Error::Unfit(format!("the server's answer is not PostgreSQL's: {error}"))
}

/// The server's own words, which name no password.
fn refused(body: &ErrorResponseBody) -> Error {
    let mut code = String::new();
    let mut text = String::new();
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => code = value,
            b'M' => text = value,
            _ => {}
        }
    }
    Error::Unfit(format!("PostgreSQL refuses: {text} ({code})"))
}
