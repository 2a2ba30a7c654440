//! Bolt, as far as a probe speaks it: the handshake, a login with the password, and one query.

use super::packstream::Value;
use crate::Error;
use crate::exchange::Exchange;
use crate::secret::Secret;

/// Four wishes of a version each; ours is 5.4 down to 5.1, the first where logging in is a message of its own.
const HANDSHAKE: [u8; 20] = [
    0x60, 0x60, 0xb0, 0x17, 0, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];
const HELLO: u8 = 0x01;
const GOODBYE: u8 = 0x02;
const RUN: u8 = 0x10;
const PULL: u8 = 0x3f;
const LOGON: u8 = 0x6a;
const SUCCESS: u8 = 0x70;
const RECORD: u8 = 0x71;
const FAILURE: u8 = 0x7f;
const LONGEST: usize = 64 << 10;

/// Red unless the user, with its password, gets the one row that it asks for.
pub(super) fn ask(mut exchange: Exchange, user: &str, password: &Secret) -> Result<(), Error> {
    exchange.send(&HANDSHAKE)?;
    let version: [u8; 4] = exchange.exact()?;
    if !matches!(version, [0, 0, 1..=4, 5]) {
        return Err(Error::Unfit(format!(
            "the server does not speak Bolt 5: it answers the handshake with {version:?}"
        )));
    }
    let agent = Value::text("gantry-probe/1");
    let about = Value::map(&[("product", agent.clone())]);
    let hello = Value::map(&[("user_agent", agent), ("bolt_agent", about)]);
    say(&mut exchange, HELLO, vec![hello])?;
    success(&mut exchange)?;
    let login = Value::map(&[
        ("scheme", Value::text("basic")),
        ("principal", Value::text(user)),
        ("credentials", Value::text(password.reveal())),
    ]);
    say(&mut exchange, LOGON, vec![login])?;
    success(&mut exchange)?;
    let nothing = || Value::map(&[]);
    let query = Value::text("RETURN 1");
    say(&mut exchange, RUN, vec![query, nothing(), nothing()])?;
    success(&mut exchange)?;
    say(
        &mut exchange,
        PULL,
        vec![Value::map(&[("n", Value::Int(-1))])],
    )?;
    let row = hear(&mut exchange)?;
    if row != (RECORD, vec![Value::List(vec![Value::Int(1)])]) {
        return Err(unexpected(&row));
    }
    success(&mut exchange)?;
    say(&mut exchange, GOODBYE, vec![])
}

/// One message in one chunk: none of ours is longer than a chunk may be.
fn say(exchange: &mut Exchange, tag: u8, fields: Vec<Value>) -> Result<(), Error> {
    let mut message = Vec::new();
    Value::Structure(tag, fields).write(&mut message);
    let size = u16::try_from(message.len())
        .map_err(|_| Error::Unfit("a message is too long".to_owned()))?;
    let mut bytes = size.to_be_bytes().to_vec();
    bytes.extend(message);
    bytes.extend([0, 0]);
    exchange.send(&bytes)
}

fn hear(exchange: &mut Exchange) -> Result<(u8, Vec<Value>), Error> {
    let mut message = Vec::new();
    loop {
        let size = usize::from(u16::from_be_bytes(exchange.exact()?));
        match size {
            // A chunk of nothing before a message only keeps the connection open.
            0 if message.is_empty() => {}
            0 => break,
            _ if message.len() + size > LONGEST => {
                return Err(Error::Unfit("Neo4j's answer is too long".to_owned()));
            }
            _ => {
                let from = message.len();
                message.resize(from + size, 0);
                exchange.fill(&mut message[from..])?;
            }
        }
    }
    match Value::read(&message)? {
        Value::Structure(tag, fields) => Ok((tag, fields)),
        _ => Err(Error::Unfit("Neo4j's answer is no message".to_owned())),
    }
}

fn success(exchange: &mut Exchange) -> Result<(), Error> {
    let message = hear(exchange)?;
    if message.0 == SUCCESS {
        return Ok(());
    }
    Err(unexpected(&message))
}

fn unexpected((tag, fields): &(u8, Vec<Value>)) -> Error {
    let told = |name: &str| match fields.first().and_then(|fields| fields.field(name)) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    if *tag == FAILURE {
        return Error::Unfit(format!(
            "Neo4j refuses: {} ({})",
            told("message"),
            told("code")
        ));
    }
    Error::Unfit(format!("Neo4j answers with message {tag:#04x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::fake::answering;

    const VERSION: &[u8] = &[0, 0, 4, 5];
    const OK: &[u8] = &[0, 3, 0xb1, 0x70, 0xa0, 0, 0];
    const ROW: &[u8] = &[
        0, 4, 0xb1, 0x71, 0x91, 1, 0, 0, 0, 3, 0xb1, 0x70, 0xa0, 0, 0,
    ];

    #[test]
    fn only_the_row_that_was_asked_for_is_green() {
        let check = |answers: &'static [&'static [u8]], expected: Option<&str>| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(&file, "secret").unwrap();
            let password = Secret::read(file.path().to_str().unwrap()).unwrap();
            let told = ask(answering(answers), "neo4j", &password);
            let told = told.err().map(|error| error.to_string());
            assert_eq!(told.as_deref(), expected);
        };
        check(&[VERSION, OK, OK, OK, ROW], None);
        // A chunk that only keeps the connection open, and a message in two chunks.
        check(
            &[
                VERSION,
                &[0, 0, 0, 1, 0xb1, 0, 2, 0x70, 0xa0, 0, 0],
                OK,
                OK,
                ROW,
            ],
            None,
        );
        check(
            &[&[0, 0, 0, 0]],
            Some("the server does not speak Bolt 5: it answers the handshake with [0, 0, 0, 0]"),
        );
        check(
            &[
                VERSION,
                OK,
                b"\0\x16\xb1\x7f\xa2\x84code\x81c\x87message\x83no!\0\0",
            ],
            Some("Neo4j refuses: no! (c)"),
        );
        check(
            &[VERSION, OK, OK, OK, &[0, 4, 0xb1, 0x71, 0x91, 2, 0, 0]],
            Some("Neo4j answers with message 0x71"),
        );
        check(&[VERSION, OK], Some("port 1: the server hung up"));
    }
}
