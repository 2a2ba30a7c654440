//! Connections that are secret: to a public server, whose certificate one of those who are trusted has signed.

use std::sync::Arc;

use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};

use crate::address::{Address, BadAddress};

pub(crate) type Connector = HttpsConnector<HttpConnector>;

/// `trusted`: certificates as PEM, beside those that browsers trust.
pub(crate) fn connector(
    mut http: HttpConnector,
    address: &Address,
    trusted: Option<&[u8]>,
) -> Result<Connector, BadAddress> {
    http.enforce_http(false);
    let trust = |error: &dyn std::fmt::Display| BadAddress::Trust(error.to_string());
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(pem) = trusted {
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| trust(&error))?;
            roots.add(certificate).map_err(|error| trust(&error))?;
            count += 1;
        }
        if count == 0 {
            return Err(trust(&"there is no certificate in it"));
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| trust(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Connections go to addresses; it is the name that must be the certificate's.
    let name = ServerName::try_from(address.host.clone()).map_err(|error| trust(&error))?;
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .with_server_name_resolver(FixedServerNameResolver::new(name))
        .enable_http1()
        .wrap_connector(http))
}
