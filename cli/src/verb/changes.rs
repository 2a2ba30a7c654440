//! `gantry changes`: what happens to records, a line each.

use std::io::{self, Write as _};

use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use wire::{Body, Call, Code, Content, Media, NodeName, Problem};

use crate::args::{Changes, Output};
use crate::failure::Failure;
use crate::platform;

pub async fn run(args: Changes, output: Output) -> Result<(), Failure> {
    let platform = platform::compose(&args.place).await?;
    let mut wish = json!({});
    if !args.model.is_empty() {
        wish["model"] = json!(args.model);
    }
    if let Some(since) = args.since {
        wish["since"] = json!(since);
    }
    let node: NodeName = "changes".parse().expect("it is a node's name");
    let mut call = Call::new(node, platform.caller, Body::json(wish.to_string()));
    call.options.accept = Media::EventStream;
    let answer = platform.calls.call(call).await?;
    let Content::Stream(mut stream) = answer.body.content else {
        return Err(Problem::new(Code::Unavailable)
            .detail("the server answered with something else than a stream")
            .into());
    };
    let mut events = Events::default();
    while let Some(chunk) = stream.try_next().await? {
        events.unread.extend_from_slice(&chunk);
        while let Some(event) = events.next() {
            print(&event, output)?;
        }
    }
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(
        anstream::stderr(),
        "the stream ended; go on with --since {}",
        events.last
    );
    Ok(())
}

#[derive(Debug, PartialEq)]
enum Event {
    Change(String),
    Resync,
}

/// Of server-sent events what ours are made of: a line for each of `id`, `event` and `data`.
#[derive(Default)]
struct Events {
    unread: Vec<u8>,
    /// The id that was told last.
    last: String,
}

impl Events {
    /// Nothing where none has come whole.
    fn next(&mut self) -> Option<Event> {
        loop {
            let end = self.unread.windows(2).position(|two| two == b"\n\n")?;
            let block: Vec<u8> = self.unread.drain(..end + 2).collect();
            let block = String::from_utf8_lossy(&block);
            let line = |name| block.lines().find_map(|line| line.strip_prefix(name));
            if let Some(id) = line("id: ") {
                id.clone_into(&mut self.last);
            }
            match (line("event: "), line("data: ")) {
                (Some("change"), Some(data)) => return Some(Event::Change(data.to_owned())),
                (Some("resync"), Some(_)) => return Some(Event::Resync),
                _ => {}
            }
        }
    }
}

fn print(event: &Event, output: Output) -> Result<(), Failure> {
    let Event::Change(data) = event else {
        let _ = writeln!(
            anstream::stderr(),
            "changes were missed: read again what you keep of records"
        );
        return Ok(());
    };
    let mut out = io::stdout();
    match output {
        Output::Json => writeln!(out, "{data}")?,
        Output::Text => {
            let change: Value = serde_json::from_str(data).map_err(io::Error::from)?;
            let text = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
            let (at, op, model, id) = (text("at"), text("op"), text("model"), text("id"));
            let version = &change["version"];
            writeln!(out, "{at}  {op:<7}  {model} {id}  version {version}")?;
        }
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_however_they_are_cut() {
        let told = "retry: 1000\nid: a\n\n:\nid: b\n\nid: c\nevent: change\ndata: {\"x\":1}\n\nid: d\nevent: resync\ndata: {}\n\n";
        let change = Event::Change("{\"x\":1}".to_owned());
        for size in [1, 7, 500] {
            let mut events = Events::default();
            let mut heard = Vec::new();
            for chunk in told.as_bytes().chunks(size) {
                events.unread.extend_from_slice(chunk);
                while let Some(event) = events.next() {
                    heard.push((event, events.last.clone()));
                }
            }
            let (one, two) = (("c".to_owned()), ("d".to_owned()));
            assert_eq!(heard.len(), 2, "{size}");
            assert_eq!((&heard[0].0, &heard[0].1), (&change, &one));
            assert_eq!((&heard[1].0, &heard[1].1), (&Event::Resync, &two));
        }
    }
}
