//! Which session a request belongs to: what its header says, else its cookie.

use http::{HeaderMap, header};
use wire::session::Put;
use wire::{Code, Problem};

const COOKIE: &str = "gantry_session";

/// A browser sends the cookie by itself, so one that is no session's name is as good as none; a header is meant.
pub fn session_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut said = headers.get_all(wire::header::SESSION).iter();
    let Some(first) = said.next() else {
        return Ok(cookie(headers).map(str::to_owned));
    };
    let id = first.to_str().ok().filter(|id| is_id(id));
    if let (Some(id), None) = (id, said.next()) {
        return Ok(Some(id.to_owned()));
    }
    let most = Put::LONGEST_ID;
    Err(Problem::new(Code::BadRequest).detail(format!(
        "the header `gantry-session` must be one session's id: 1 to {most} visible characters of ASCII"
    )))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.filter_map(|line| line.to_str().ok());
    let mut pairs = pairs.flat_map(|line| line.split(';'));
    pairs.find_map(|pair| {
        let (name, id) = pair.trim().split_once('=')?;
        (name == COOKIE && is_id(id)).then_some(id)
    })
}

fn is_id(text: &str) -> bool {
    (1..=Put::LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_comes_before_the_cookie() {
        let long = "x".repeat(129);
        let long_cookie = format!("gantry_session={long}");
        for (said, expected) in [
            (&[][..], Some(None)),
            (&[("gantry-session", "a~")], Some(Some("a~"))),
            (&[("cookie", "x=1; gantry_session=b")], Some(Some("b"))),
            (
                &[("cookie", "x=1"), ("cookie", "gantry_session=b;y")],
                Some(Some("b")),
            ),
            (
                &[("cookie", "gantry_session=b"), ("gantry-session", "a")],
                Some(Some("a")),
            ),
            (&[("cookie", "gantry_session=")], Some(None)),
            (
                &[("cookie", "gantry_session=a b; my_gantry_session=c")],
                Some(None),
            ),
            (&[("cookie", &long_cookie)], Some(None)),
            (&[("gantry-session", "")], None),
            (&[("gantry-session", "a b")], None),
            (&[("gantry-session", &long)], None),
            (&[("gantry-session", "a"), ("gantry-session", "b")], None),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in said {
                headers.append(*name, value.parse().unwrap());
            }
            let read = session_of(&headers).ok();
            assert_eq!(read.as_ref().map(Option::as_deref), expected, "{said:?}");
        }
    }
}
