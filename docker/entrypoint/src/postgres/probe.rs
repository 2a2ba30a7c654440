//! Red unless the application's own role, with its password and over TCP, gets an answer from its database.

use postgres_protocol::message::backend::Message;

use super::session::Session;
use super::{Application, PORT};
use crate::Error;
use crate::exchange::Exchange;

pub(super) fn run(application: &Application) -> Result<(), Error> {
    ask(Exchange::open(PORT)?, application)
}

fn ask(exchange: Exchange, application: &Application) -> Result<(), Error> {
    let Application {
        role,
        database,
        password,
    } = application;
    let mut session = Session::open(exchange, role.as_str(), database.as_str(), password)?;
    session.query("SELECT 1")?;
    let mut rows = 0;
    loop {
        match session.next()? {
            Message::DataRow(_) => rows += 1,
            Message::ReadyForQuery(_) => break,
            _ => {}
        }
    }
    session.end();
    if rows != 1 {
        return Err(Error::Unfit(format!(
            "a query for one row was answered with {rows}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::fake::answering;
    use crate::secret::Secret;

    #[test]
    fn what_is_not_a_whole_answer_is_red() {
        let check = |answers: &'static [&'static [u8]], expected: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(&file, "secret").unwrap();
            let application = Application {
                role: "gantry".parse().unwrap(),
                database: "gantry".parse().unwrap(),
                password: Secret::read(file.path().to_str().unwrap()).unwrap(),
            };
            let told = ask(answering(answers), &application)
                .unwrap_err()
                .to_string();
            assert!(told.contains(expected), "{told}");
        };
        check(
            &[b"E\0\0\0\x2dSFATAL\0C57P03\0Mthe database is starting\0\0"],
            "the database is starting",
        );
        // A server that trusts everybody says at once that all is well.
        check(&[b"R\0\0\0\x08\0\0\0\0"], "without asking for the password");
        check(&[b"R\0\0\0\x08\0\0\0\x03"], "asks for something else");
        check(&[b"E\x7f\0\0\0"], "too long");
        check(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], "");
        check(&[], "hung up");
    }
}
