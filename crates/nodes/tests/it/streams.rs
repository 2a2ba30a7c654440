//! Lists of any length out, any number of records in.

mod imports;
mod lists;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use wire::{Body, Call, Calls as _, Content, Media, Meta, Options, Problem, Reply};

use crate::world::World;

fn accepting(accept: Media) -> Options {
    Options {
        accept,
        ..Options::default()
    }
}

fn minimal() -> Options {
    Options {
        reply: Reply::Minimal,
        ..Options::default()
    }
}

/// A body in pieces of these bytes.
fn pieces(media: Media, pieces: Vec<String>) -> Body {
    let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from(piece)));
    Body {
        media,
        content: Content::Stream(stream::iter(pieces).boxed()),
    }
}

/// `{"name":"p0"}` and so on, one a line.
fn people(from: usize, to: usize) -> String {
    let lines = (from..to).map(|n| format!("{{\"name\":\"p{n}\"}}\n"));
    lines.collect::<Vec<_>>().concat()
}

impl World {
    async fn import(
        &self,
        node: &str,
        query: &str,
        body: Body,
        options: Options,
    ) -> Result<Meta, Problem> {
        let answered = self.raw(&self.editor, node, query, body, options).await;
        answered.map(|(meta, text)| {
            assert_eq!(text, "");
            meta
        })
    }

    async fn count(&self, model: &str) -> Value {
        let counted = self
            .call(&self.admin, &format!("{model}.count"), "", Value::Null)
            .await;
        counted.unwrap().1["count"].clone()
    }

    /// The list as a stream that nobody has read from yet.
    async fn open(
        &self,
        node: &str,
        query: &str,
        options: Options,
    ) -> Result<wire::ByteStream, Problem> {
        let mut call = Call::new(node.parse().unwrap(), self.editor.clone(), Body::empty());
        query.clone_into(&mut call.query);
        call.options = options;
        match self.nodes.call(call).await?.body.content {
            Content::Stream(stream) => Ok(stream),
            Content::Whole(_) => panic!("a stream is expected"),
        }
    }
}

/// Enough that neither buffers nor the chunks ahead hold it.
async fn fill(world: &World) {
    let long = "x".repeat(4_000);
    let lines = |n: usize| format!("{{\"title\":\"t{n}\",\"extra\":\"{long}\"}}\n");
    let body = pieces(Media::JsonLines, (0..4_000).map(lines).collect());
    let meta = world
        .import("Film.bulk_create", "", body, minimal())
        .await
        .unwrap();
    assert_eq!(meta.affected, Some(4_000));
}
