//! Pictures, sounds and files in what a run answers: data URIs, shown as blocks of their own.

use std::fmt::Write as _;

use flow::DataUri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rmcp::model::{AudioContent, ContentBlock, EmbeddedResource, ImageContent, ResourceContents};
use serde_json::Value;
use uuid::Uuid;

/// Of a member's name in an address.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Takes each data URI out, and leaves a word of it.
pub(super) fn taken(output: &mut Value, run: Uuid) -> Vec<ContentBlock> {
    let mut blocks = Vec::new();
    take(
        output,
        &mut format!("gantry://runs/{run}/output"),
        &mut blocks,
    );
    blocks
}

/// `at` is the value's address; as it was, afterwards.
fn take(value: &mut Value, at: &mut String, blocks: &mut Vec<ContentBlock>) {
    let end = at.len();
    match value {
        Value::String(text) => {
            if let Some(data) = DataUri::parse(text) {
                *text = format!("({}, {} bytes)", data.media_type, data.bytes.len());
                blocks.push(block(&data, at));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                write!(at, "/{index}").expect("a String takes every character");
                take(item, at, blocks);
                at.truncate(end);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = utf8_percent_encode(name, ENCODED);
                write!(at, "/{name}").expect("a String takes every character");
                take(member, at, blocks);
                at.truncate(end);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `at` is the address of what has none of its own.
pub(super) fn block(data: &DataUri, at: &str) -> ContentBlock {
    let meta = mcp_face::untrusted_meta();
    let kind = &*data.media_type;
    if kind.starts_with("image/") {
        return ContentBlock::Image(ImageContent::new(data.base64(), kind).with_meta(meta));
    }
    if kind.starts_with("audio/") {
        return ContentBlock::Audio(AudioContent::new(data.base64(), kind).with_meta(meta));
    }
    let resource = EmbeddedResource::new(contents(data, at));
    ContentBlock::Resource(resource.with_meta(meta))
}

/// Its text, or where it is none its bytes.
pub(super) fn contents(data: &DataUri, uri: &str) -> ResourceContents {
    let contents = match std::str::from_utf8(&data.bytes) {
        Ok(text) if !is_picture(&data.media_type) => ResourceContents::text(text, uri),
        _ => ResourceContents::blob(data.base64(), uri),
    };
    contents.with_mime_type(&*data.media_type)
}

/// Or a sound: their bytes are no text, whatever they look like.
fn is_picture(media_type: &str) -> bool {
    media_type.starts_with("image/") || media_type.starts_with("audio/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn media_are_blocks_of_their_own_and_a_word_stays() {
        let mut output = json!({
            "said": "data: none, really",
            "chart": "data:image/png;base64,iVBO",
            "parts": [1, "data:audio/wav;base64,UklG", {"a b": "data:text/csv,x%0A1"}],
            "zip": "data:application/zip;base64,/w==",
        });
        let blocks = taken(&mut output, Uuid::nil());
        let expected = json!({
            "said": "data: none, really",
            "chart": "(image/png, 3 bytes)",
            "parts": [1, "(audio/wav, 3 bytes)", {"a b": "(text/csv, 3 bytes)"}],
            "zip": "(application/zip, 1 bytes)",
        });
        assert_eq!(output, expected);
        let at = "gantry://runs/00000000-0000-0000-0000-000000000000/output";
        let meta = json!({"gantry/untrusted": true});
        let csv =
            json!({"uri": format!("{at}/parts/2/a%20b"), "mimeType": "text/csv", "text": "x\n1"});
        let zip =
            json!({"uri": format!("{at}/zip"), "mimeType": "application/zip", "blob": "/w=="});
        let expected = json!([
            {"type": "image", "data": "iVBO", "mimeType": "image/png", "_meta": meta},
            {"type": "audio", "data": "UklG", "mimeType": "audio/wav", "_meta": meta},
            {"type": "resource", "resource": csv, "_meta": meta},
            {"type": "resource", "resource": zip, "_meta": meta},
        ]);
        assert_eq!(json!(blocks), expected);
    }
}
