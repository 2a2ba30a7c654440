//! A listener as a browser's `EventSource` would be.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;
use wire::{Body, ByteStream, Call, Caller, Calls as _, Content, Media, Problem};

use crate::world::World;

pub(crate) struct Ear {
    stream: ByteStream,
    unread: String,
    /// The id that was told last, with or without an event.
    pub(crate) last: String,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    Change(Value),
    Resync,
    /// An id alone.
    Place,
    End,
}

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);

impl Ear {
    /// Has heard the greeting, so that whatever is written from now on is told.
    pub(crate) async fn open(world: &World, who: &Caller, query: &str) -> Result<Self, Problem> {
        let mut ear = Self {
            stream: open(world, who, query).await?,
            unread: String::new(),
            last: String::new(),
        };
        assert_eq!(ear.next().await, Heard::Place);
        Ok(ear)
    }

    pub(crate) async fn next(&mut self) -> Heard {
        let block = loop {
            if let Some(end) = self.unread.find("\n\n") {
                break self.unread.drain(..end + 2).collect::<String>();
            }
            let chunk = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            match chunk.expect("something is told in time") {
                None => {
                    assert_eq!(self.unread, "", "events are told whole");
                    return Heard::End;
                }
                Some(chunk) => {
                    let text = String::from_utf8(chunk.unwrap().to_vec()).unwrap();
                    self.unread.push_str(&text);
                }
            }
        };
        self.read(&block)
    }

    fn read(&mut self, block: &str) -> Heard {
        let (mut event, mut data) = ("", None);
        for line in block.trim_end().lines() {
            match line.split_once(':').unwrap() {
                ("id", id) => id.trim_start().clone_into(&mut self.last),
                ("event", name) => event = name.trim_start(),
                ("data", text) => data = Some(text.trim_start()),
                ("retry" | "", _) => {}
                other => panic!("{other:?}"),
            }
        }
        match (event, data) {
            ("", None) => Heard::Place,
            ("change", Some(data)) => Heard::Change(serde_json::from_str(data).unwrap()),
            ("resync", Some("{}")) => Heard::Resync,
            other => panic!("{other:?}"),
        }
    }

    /// The next change, whatever stands before it.
    pub(crate) async fn change(&mut self) -> Value {
        loop {
            match self.next().await {
                Heard::Change(change) => return change,
                Heard::Place => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next word that is no heartbeat.
    pub(crate) async fn word(&mut self) -> Heard {
        loop {
            match self.next().await {
                Heard::Place => {}
                other => return other,
            }
        }
    }
}

async fn open(world: &World, who: &Caller, query: &str) -> Result<ByteStream, Problem> {
    let mut call = Call::new("changes".parse().unwrap(), who.clone(), Body::empty());
    query.clone_into(&mut call.query);
    call.options.accept = Media::EventStream;
    let body = world.nodes.call(call).await?.body;
    assert_eq!(body.media, Media::EventStream);
    match body.content {
        Content::Stream(stream) => Ok(stream),
        Content::Whole(bytes) => panic!("{bytes:?}"),
    }
}
