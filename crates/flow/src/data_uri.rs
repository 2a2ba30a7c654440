//! Bytes within JSON: `data:image/png;base64,…` (RFC 2397).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// Of bytes of which nobody said more.
const UNKNOWN: &str = "application/octet-stream";
/// What it means where a URI says nothing.
const TEXT: &str = "text/plain";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataUri {
    /// `image/png`, in lower case and without parameters.
    pub media_type: String,
    pub bytes: Vec<u8>,
}

impl DataUri {
    /// `None` where the text is no such URI, or its base64 is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_at_checked(5)?;
        if !scheme.eq_ignore_ascii_case("data:") {
            return None;
        }
        let (head, data) = rest.split_once(',')?;
        let mut parameters = head.split(';');
        let media_type = parameters.next().unwrap_or_default().trim();
        let is_base64 = parameters
            .next_back()
            .is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"));
        let media_type = match media_type {
            "" => TEXT,
            said if is_media_type(said) => said,
            _ => return None,
        };
        let bytes: Vec<u8> = percent_decode_str(data).collect();
        let bytes = if is_base64 {
            STANDARD.decode(bytes).ok()?
        } else {
            bytes
        };
        Some(Self {
            media_type: media_type.to_ascii_lowercase(),
            bytes,
        })
    }

    /// `content_type` as in the header, its parameters are left out.
    pub fn write(content_type: Option<&str>, bytes: &[u8]) -> String {
        let essence = content_type.and_then(|said| said.split(';').next());
        let media_type = essence.map(str::trim).filter(|said| is_media_type(said));
        let media_type = media_type.unwrap_or(UNKNOWN).to_ascii_lowercase();
        format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
    }

    pub fn base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }
}

/// Of two names as RFC 6838 has them.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        (1..=127).contains(&name.len()) && name.bytes().all(known)
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Vec<u8>)> {
        DataUri::parse(text).map(|data| (data.media_type, data.bytes))
    }

    #[test]
    fn a_uri_says_what_it_holds() {
        let of = |kind: &str, bytes: &[u8]| Some((kind.to_owned(), bytes.to_vec()));
        for (text, expected) in [
            ("data:image/png;base64,iVBO", of("image/png", b"\x89PN")),
            ("DATA:Image/PNG;BASE64,iVBO", of("image/png", b"\x89PN")),
            (
                "data:text/plain;charset=utf-8;base64,w6Q=",
                of("text/plain", "ä".as_bytes()),
            ),
            ("data:,a%20b", of("text/plain", b"a b")),
            (
                "data:image/svg+xml,%3Csvg/%3E",
                of("image/svg+xml", b"<svg/>"),
            ),
            ("data:text/plain,a,b", of("text/plain", b"a,b")),
            ("data:image/png;base64,not base64", None),
            ("data:image/png;base64", None),
            ("data: see above, and below", None),
            ("database, or not", None),
            ("dat", None),
            ("ädat", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn bytes_come_back_as_they_were() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (said, expected) in [
            (Some("image/PNG; q=1"), "image/png"),
            (Some("nonsense"), UNKNOWN),
            (None, UNKNOWN),
        ] {
            let written = DataUri::write(said, &bytes);
            let expected = (expected.to_owned(), bytes.clone());
            assert_eq!(read(&written), Some(expected), "{written}");
        }
    }
}
