//! `Host` and `Origin`: a page in somebody's browser must not reach a server that only trusts where it stands.

use http::{HeaderMap, Uri, header};
use wire::{Code, Problem};

use crate::metadata::base;
use crate::settings::Settings;

pub(crate) fn check(uri: &Uri, headers: &HeaderMap, settings: &Settings) -> Result<(), Problem> {
    let host = headers.get(header::HOST);
    let host = host.map(|value| value.to_str().unwrap_or_default());
    // HTTP/2 has it in the address.
    let host = host.or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let named = host.unwrap_or_default();
    if !settings
        .hosts
        .iter()
        .any(|allowed| same_host(allowed, named))
    {
        return Err(Problem::new(Code::Forbidden)
            .detail(format!(
                "this server is not asked under the name `{}`",
                shown(named)
            ))
            .hint("name it in the setting HOSTS, if it is yours"));
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let is_named = |allowed: &String| same_origin(allowed, origin);
    // A page of this very server, under a name that was just found to be its own, is no stranger.
    let is_own =
        headers.contains_key(header::HOST) && same_origin(&base(settings, headers), origin);
    if is_own || settings.origins.iter().any(is_named) {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden)
        .detail(format!("pages from `{}` may not ask here", shown(origin)))
        .hint("name it in the setting ORIGINS, if it is yours"))
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// A name without a port stands for every port.
fn same_host(allowed: &str, named: &str) -> bool {
    let (allowed, allowed_port) = split(allowed);
    let (named, port) = split(named);
    !named.is_empty()
        && allowed.eq_ignore_ascii_case(named)
        && allowed_port.is_none_or(|allowed| Some(allowed) == port)
}

/// The host without brackets, and the port.
fn split(authority: &str) -> (&str, Option<&str>) {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').unwrap_or((rest, ""));
        return (host, rest.strip_prefix(':'));
    }
    match authority.split_once(':') {
        // An address of IPv6 without brackets.
        Some((_, rest)) if rest.contains(':') => (authority, None),
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

/// Scheme, host and port (RFC 6454); a port that is not written is the scheme's.
fn same_origin(allowed: &str, origin: &str) -> bool {
    let parts = |text: &str| {
        let (scheme, authority) = text.split_once("://")?;
        let (host, port) = split(authority.trim_end_matches('/'));
        let usual = match scheme {
            "https" => "443",
            "http" => "80",
            _ => return None,
        };
        let port = port.unwrap_or(usual);
        Some((
            scheme.to_owned(),
            host.to_ascii_lowercase(),
            port.to_owned(),
        ))
    };
    let (Some(allowed), Some(origin)) = (parts(allowed), parts(origin)) else {
        return false;
    };
    let any_port = allowed.2 == "*";
    allowed.0 == origin.0 && allowed.1 == origin.1 && (any_port || allowed.2 == origin.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_as_names_and_ports() {
        let cases = [
            ("localhost", "localhost:3001", true),
            ("localhost", "LOCALHOST", true),
            ("mcp:3001", "mcp:3001", true),
            ("mcp:3001", "mcp", false),
            ("::1", "[::1]:3001", true),
            ("localhost", "localhost.evil.example", false),
            ("localhost", "", false),
            ("127.0.0.1", "127.0.0.1:80", true),
        ];
        for (allowed, named, expected) in cases {
            assert_eq!(same_host(allowed, named), expected, "{allowed} {named}");
        }
    }

    #[test]
    fn pages_ask_if_they_are_the_servers_own_or_named() {
        let settings = Settings {
            origins: vec!["https://app.example.com".to_owned()],
            ..Settings::default()
        };
        let cases = [
            (("localhost:3001", None), true),
            (("localhost:3001", Some("http://localhost:3001")), true),
            (("localhost:3001", Some("https://app.example.com")), true),
            (("localhost:3001", Some("http://localhost:8080")), false),
            (("localhost:3001", Some("https://localhost:3001")), false),
            (("localhost:3001", Some("http://127.0.0.1:3001")), false),
            (("localhost:3001", Some("null")), false),
            (("evil.example", Some("http://evil.example")), false),
            (("evil.example", None), false),
        ];
        for ((host, origin), expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            let outcome = check(&Uri::from_static("/mcp"), &headers, &settings);
            assert_eq!(outcome.is_ok(), expected, "{host} {origin:?}");
        }
    }

    #[test]
    fn origins_are_compared_as_scheme_host_and_port() {
        let cases = [
            ("https://app.example.com", "https://app.example.com", true),
            (
                "https://app.example.com",
                "https://app.example.com:443",
                true,
            ),
            ("https://app.example.com", "http://app.example.com", false),
            (
                "https://app.example.com",
                "https://app.example.com:8443",
                false,
            ),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://localhost:*", "http://localhost.evil.example", false),
            ("https://app.example.com", "null", false),
        ];
        for (allowed, origin, expected) in cases {
            assert_eq!(same_origin(allowed, origin), expected, "{allowed} {origin}");
        }
    }
}
