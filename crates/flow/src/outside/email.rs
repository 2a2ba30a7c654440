//! `email`

use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport as _};
use serde_json::{Value, json};
use uuid::Uuid;
use wire::{Code, Problem};

use super::Outside;
use super::arguments::{Arguments, mistake};
use crate::settings::{Mail, Reach};

/// The ports of TLS from the start, of STARTTLS, and without.
const PORTS: [u16; 3] = [465, 587, 25];

pub(super) struct Email {
    mail: Option<Mail>,
    time: Duration,
}

impl Email {
    pub(super) fn new(reach: &Reach) -> Self {
        Self {
            mail: reach.mail.clone(),
            time: reach.time,
        }
    }
}

impl Outside for Email {
    fn name(&self) -> &'static str {
        "email"
    }

    fn call(&self, input: Value) -> BoxFuture<'_, Result<Value, Problem>> {
        Box::pin(async {
            let mail = self.mail.clone().ok_or_else(|| {
                Problem::new(Code::Forbidden)
                    .detail("no mail server is set up")
                    .hint("nexus' MAIL_URL, MAIL_PASSWORD_FILE and MAIL_FROM say which is asked")
            })?;
            let (id, message) = message(Arguments::of(input)?, mail.from.as_deref())?;
            let server = server(&mail, self.time)?;
            let sent = tokio::task::spawn_blocking(move || server.send(&message)).await;
            let sent = sent.map_err(|error| {
                Problem::new(Code::Internal).detail(format!("the mail was dropped: {error}"))
            })?;
            sent.map_err(|error| unsent(&error))?;
            Ok(json!({ "id": id }))
        })
    }
}

fn unsent(error: &Error) -> Problem {
    let code = if error.is_permanent() {
        Code::InvalidInput
    } else {
        Code::Unavailable
    };
    Problem::new(code).detail(format!("the mail server did not take the mail: {error}"))
}

fn message(mut arguments: Arguments, from: Option<&str>) -> Result<(String, Message), Problem> {
    let from = from.ok_or_else(|| {
        Problem::new(Code::Forbidden)
            .detail("nothing says whom mails are from")
            .hint("set nexus' MAIL_FROM")
    })?;
    let id = format!("<{}@gantry>", Uuid::now_v7());
    let mut builder = Message::builder()
        .message_id(Some(id.clone()))
        .from(mailbox("MAIL_FROM", from)?)
        .subject(arguments.required_text("subject")?);
    for to in addresses(&mut arguments, "to")? {
        builder = builder.to(to);
    }
    for cc in addresses(&mut arguments, "cc")? {
        builder = builder.cc(cc);
    }
    let made = match (arguments.text("text")?, arguments.text("html")?) {
        (Some(text), Some(html)) => {
            builder.multipart(MultiPart::alternative_plain_html(text, html))
        }
        (None, Some(html)) => builder.singlepart(SinglePart::html(html)),
        (Some(text), None) => builder.singlepart(SinglePart::plain(text)),
        (None, None) => return Err(mistake("text", "required", "must be given, or `html`")),
    };
    let message = made.map_err(|error| {
        Problem::new(Code::InvalidInput).detail(format!("the mail cannot be made: {error}"))
    })?;
    Ok((id, message))
}

fn addresses(arguments: &mut Arguments, name: &str) -> Result<Vec<Mailbox>, Problem> {
    let of_text = |value: &Value| match value {
        Value::String(text) => mailbox(name, text),
        _ => Err(mistake(
            name,
            "wrong_type",
            "is an address or a list of them",
        )),
    };
    match arguments.take(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(of_text).collect(),
        Some(value) => Ok(vec![of_text(&value)?]),
    }
}

fn mailbox(name: &str, text: &str) -> Result<Mailbox, Problem> {
    text.parse().map_err(|_| {
        mistake(
            name,
            "invalid_value",
            &format!("holds `{text}`, which is no address"),
        )
    })
}

/// `smtps://user@host:465` (TLS), `smtp://user@host:587` (STARTTLS), `smtp://host:25?tls=none`.
fn server(mail: &Mail, time: Duration) -> Result<SmtpTransport, Problem> {
    let wrong = |why: &str| {
        Problem::new(Code::Unavailable).detail(format!("nexus' MAIL_URL cannot be used: {why}"))
    };
    let (scheme, rest) = mail
        .url
        .split_once("://")
        .ok_or_else(|| wrong("it has no scheme"))?;
    let (rest, plain) = match rest.strip_suffix("?tls=none") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let (user, place) = match rest.trim_end_matches('/').rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest.trim_end_matches('/')),
    };
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => {
            let port = port.parse().map_err(|_| wrong("its port is no number"))?;
            (host, Some(port))
        }
        None => (place, None),
    };
    let parameters = || {
        let parameters = TlsParameters::new(host.to_owned());
        parameters.map_err(|error| wrong(&error.to_string()))
    };
    let (tls, usual) = match scheme {
        "smtps" => (Tls::Wrapper(parameters()?), PORTS[0]),
        "smtp" if plain => (Tls::None, PORTS[2]),
        "smtp" => (Tls::Required(parameters()?), PORTS[1]),
        _ => return Err(wrong("it begins with smtps:// or smtp://")),
    };
    let mut server = SmtpTransport::builder_dangerous(host)
        .port(port.unwrap_or(usual))
        .tls(tls)
        .timeout(Some(time));
    if let Some(user) = user {
        let password = mail.password.clone().unwrap_or_default();
        server = server.credentials(Credentials::new(user.to_owned(), password));
    }
    Ok(server.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(input: Value) -> String {
        let made = Arguments::of(input)
            .and_then(|input| message(input, Some("Films <films@example.com>")));
        match made {
            Err(problem) => problem.detail,
            Ok((_, message)) => String::from_utf8(message.formatted()).unwrap(),
        }
    }

    #[test]
    fn a_mail_is_made_of_its_arguments() {
        let mail = told(json!({
            "to": ["anna@example.com", "Ben <ben@example.com>"],
            "subject": "Alien",
            "text": "It is out.",
        }));
        for line in [
            "From: Films <films@example.com>",
            "Subject: Alien",
            "It is out.",
        ] {
            assert!(mail.contains(line), "{mail}");
        }
        assert!(mail.contains("ben@example.com"), "{mail}");
        let nobody = told(json!({"to": "nobody", "subject": "x", "text": "y"}));
        assert_eq!(nobody, "`to` holds `nobody`, which is no address");
        let injected =
            told(json!({"to": "a@example.com", "subject": "x\r\nBcc: b@example.com", "text": "y"}));
        assert!(!injected.contains("\r\nBcc:"), "{injected}");
        assert_eq!(
            told(json!({"to": "a@example.com", "subject": "x"})),
            "`text` must be given, or `html`"
        );
    }

    #[test]
    fn servers_are_read_as_addresses() {
        let is_good = |url: &str| {
            let mail = Mail {
                url: url.to_owned(),
                password: None,
                from: None,
            };
            server(&mail, Duration::from_secs(1)).is_ok()
        };
        assert!(is_good("smtps://user@mail.example.com"));
        assert!(is_good("smtp://mail.example.com:2525?tls=none"));
        assert!(!is_good("mail.example.com"));
        assert!(!is_good("http://mail.example.com"));
        assert!(!is_good("smtp://mail.example.com:many"));
    }
}
