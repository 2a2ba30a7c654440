//! `sessions`: what is carried from one channel to another, by a handle.

use std::io::Write as _;

use clap::{Args, Subcommand};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wire::session::{List, Listed, Named, Open, Session, Write};

use crate::{Failure, Output, Platform, Table, ask, examples};

/// Open sessions, list them, and look at or change what they hold
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "export GANTRY_SESSION=$(gantry sessions open)"
    "gantry sessions set 4fQ0aTn3yW8sKcJ1xZ6vRb film=Alien stars=5"
    "gantry sessions show 4fQ0aTn3yW8sKcJ1xZ6vRb"
))]
pub struct Sessions {
    /// `list` unless said
    #[command(subcommand)]
    pub verb: Option<SessionsVerb>,
}

#[derive(Debug, Subcommand)]
pub enum SessionsVerb {
    Open(Opening),
    List(Which),
    /// Show what a session holds
    #[command(after_help = examples!("gantry sessions show 4fQ0aTn3yW8sKcJ1xZ6vRb"))]
    Show(Id),
    Set(Setting),
    /// End a session
    #[command(after_help = examples!("gantry sessions close 4fQ0aTn3yW8sKcJ1xZ6vRb"))]
    Close(Id),
}

/// Open a session and print its handle
#[derive(Debug, Args)]
#[command(after_help = examples!("gantry sessions open" "gantry sessions open --ttl 7d"))]
pub struct Opening {
    /// How long it lives without being used, to 30d [default: 1d]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub ttl: Option<u32>,
}

/// List the sessions of whoever asks, the newest first
#[derive(Debug, Default, Args)]
#[command(after_help = examples!("gantry sessions list" "gantry sessions list --limit 5 --output json"))]
pub struct Which {
    /// How many [default: 50]
    #[arg(long)]
    pub limit: Option<u32>,
}

#[derive(Debug, Args)]
pub struct Id {
    /// The session's handle, as `gantry sessions open` printed it
    #[arg(value_name = "HANDLE")]
    pub session: String,
}

/// Change what a session holds; what is not named stays, and null takes it out
#[derive(Debug, Args)]
#[command(after_help = examples!(
    "gantry sessions set 4fQ0aTn3yW8sKcJ1xZ6vRb film=Alien stars=5"
    "gantry sessions set 4fQ0aTn3yW8sKcJ1xZ6vRb stars=null"
))]
pub struct Setting {
    /// The session's handle
    #[arg(value_name = "HANDLE")]
    pub session: String,

    /// A value: as JSON where it is JSON, else as a text
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = crate::run::input)]
    pub set: Vec<(String, String)>,
}

/// `90s`, `30m`, `12h`, `7d`, in seconds.
fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is no time such as 90s, 30m, 12h or 7d");
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
    let total = span.total((jiff::Unit::Second, relative));
    let whole = jiff::SignedDuration::try_from_secs_f64(total.map_err(|_| wrong())?);
    let whole = whole.map_err(|_| wrong())?.as_secs();
    u32::try_from(whole).map_err(|_| wrong())
}

pub async fn sessions(args: Sessions, platform: &Platform, output: Output) -> Result<(), Failure> {
    let usual = || SessionsVerb::List(Which::default());
    match args.verb.unwrap_or_else(usual) {
        SessionsVerb::Open(Opening { ttl }) => open(ttl, platform, output).await,
        SessionsVerb::List(Which { limit }) => list(limit, platform, output).await,
        SessionsVerb::Show(id) => {
            let named = Named {
                id: Some(id.session),
            };
            let (_, body) = ask(platform, "session.read", &named).await?;
            show(&body, "session.read", output)
        }
        SessionsVerb::Set(setting) => set(setting, platform, output).await,
        SessionsVerb::Close(id) => close(id.session, platform, output).await,
    }
}

/// The handle alone, so that a shell can take it.
async fn open(ttl: Option<u32>, platform: &Platform, output: Output) -> Result<(), Failure> {
    let opening = Open { state: None, ttl };
    let (_, body) = ask(platform, "session.open", &opening).await?;
    if output == Output::Json {
        return show(&body, "session.open", output);
    }
    let session: Session = crate::ask::read(&body, "session.open")?;
    writeln!(anstream::stdout(), "{}", session.id)?;
    Ok(())
}

async fn list(limit: Option<u32>, platform: &Platform, output: Output) -> Result<(), Failure> {
    let (_, body) = ask(platform, "session.list", &List { limit }).await?;
    if output == Output::Json {
        writeln!(anstream::stdout(), "{}", String::from_utf8_lossy(&body))?;
        return Ok(());
    }
    let rows: Vec<Listed> = crate::ask::read(&body, "session.list")?;
    if rows.is_empty() {
        writeln!(anstream::stderr(), "no sessions")?;
        return Ok(());
    }
    let mut table = Table::new(["session", "created at", "expires at"]);
    for row in rows {
        table.push(&[row.id, row.created_at, row.expires_at]);
    }
    table.print()?;
    Ok(())
}

async fn set(setting: Setting, platform: &Platform, output: Output) -> Result<(), Failure> {
    let value = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    let pairs = setting.set.into_iter();
    let set: Map<_, _> = pairs.map(|(name, text)| (name, value(text))).collect();
    let set = serde_json::value::to_raw_value(&set).map_err(anyhow::Error::from)?;
    let write = Write {
        id: Some(setting.session),
        set,
    };
    let (_, body) = ask(platform, "session.write", &write).await?;
    show(&body, "session.write", output)
}

async fn close(id: String, platform: &Platform, output: Output) -> Result<(), Failure> {
    let named = Named {
        id: Some(id.clone()),
    };
    let (_, body) = ask(platform, "session.close", &named).await?;
    match output {
        Output::Json => writeln!(anstream::stdout(), "{}", String::from_utf8_lossy(&body))?,
        Output::Text => writeln!(anstream::stderr(), "closed {id}")?,
    }
    Ok(())
}

/// What it holds, as JSON; the whole of it for a program.
fn show(body: &[u8], node: &str, output: Output) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    if output == Output::Json {
        writeln!(out, "{}", String::from_utf8_lossy(body))?;
        return Ok(());
    }
    let session: Session = crate::ask::read(body, node)?;
    let state: &RawValue = &session.state;
    writeln!(out, "{}", crate::printable(state.get()))?;
    writeln!(
        anstream::stderr(),
        "{} lives until {}, longer where it is used",
        session.id,
        session.expires_at
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_read_in_seconds() {
        for (text, expected) in [
            ("90s", 90),
            ("30m", 1_800),
            ("12h", 43_200),
            ("7d", 604_800),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "7", "d", "-1d", "1 fortnight", "1mo", "9999999999s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
