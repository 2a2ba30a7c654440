//! Connections without TLS, which is all that services need among each other.

use hyper_util::client::legacy::connect::HttpConnector;

use crate::address::{Address, BadAddress};

pub(crate) type Connector = HttpConnector;

pub(crate) fn connector(
    http: HttpConnector,
    _: &Address,
    trusted: Option<&[u8]>,
) -> Result<Connector, BadAddress> {
    match trusted {
        None => Ok(http),
        Some(_) => Err(BadAddress::Trust(
            "this build does not speak TLS".to_owned(),
        )),
    }
}
