//! Where a service is: `http://host:port`, or `https://…` of a public server, with a path before our own where a proxy adds one.

use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `https`
    pub secure: bool,
    pub host: String,
    pub port: u16,
    /// Empty, or begins with `/` and does not end with it.
    pub prefix: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("`{0}` is not an address: `http://host:port` is")]
    Malformed(String),
    #[error(
        "`{0}` begins with https, which this build does not speak; use http to a local address or a TLS proxy"
    )]
    Https(String),
    #[error("what is trusted: {0}")]
    Trust(String),
    #[error("the key holds characters that no header can carry")]
    Key,
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let malformed = || BadAddress::Malformed(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| malformed())?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        if secure && !cfg!(feature = "tls") {
            return Err(BadAddress::Https(text.to_owned()));
        }
        let known = secure || uri.scheme() == Some(&Scheme::HTTP);
        let plain = known && uri.query().is_none();
        let host = uri.host().filter(|host| plain && !host.is_empty());
        let named = uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        match host {
            Some(host) if named => Ok(Self {
                secure,
                host: host.trim_matches(['[', ']']).to_owned(),
                port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
                prefix: uri.path().trim_end_matches('/').to_owned(),
            }),
            _ => Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_perhaps_a_port_and_a_path() {
        let parse = |text: &str| text.parse::<Address>();
        let address = |host: &str, port, prefix: &str| {
            Ok(Address {
                secure: false,
                host: host.to_owned(),
                port,
                prefix: prefix.to_owned(),
            })
        };
        assert_eq!(parse("http://dataflow:8001"), address("dataflow", 8001, ""));
        assert_eq!(
            parse("http://127.0.0.1:8000/"),
            address("127.0.0.1", 8000, "")
        );
        assert_eq!(
            parse("http://[::1]:8000/films/"),
            address("::1", 8000, "/films")
        );
        assert_eq!(parse("http://example.org"), address("example.org", 80, ""));
        for bad in [
            "",
            "dataflow:8001",
            "ftp://x",
            "http://",
            "http://u:p@x",
            "http://x?y",
        ] {
            assert!(matches!(parse(bad), Err(BadAddress::Malformed(_))), "{bad}");
        }
        let secure = parse("https://x");
        if cfg!(feature = "tls") {
            let secure = secure.unwrap();
            assert!(secure.secure && secure.port == 443, "{secure:?}");
        } else {
            assert!(matches!(secure, Err(BadAddress::Https(_))));
        }
    }
}
