//! The edge's certificate: signed by itself for this machine, or one's own, looked at before it is taken.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PublicKeyData as _,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use wire::ExitKind;

use super::CertificateWish;
use crate::failure::Failure;

/// Clients refuse what is valid for longer than 825 days; an hour of it lies in the past, for clocks that go slow.
const VALID: Duration = Duration::from_hours(824 * 24);
const PAST: Duration = Duration::from_hours(1);
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// The name under which it signs itself, and by which it is known again.
const SIGNER: &str = "gantry, signed by itself";

/// Chain and key in one text, as the edge reads them.
pub(super) fn of(wish: &CertificateWish<'_>) -> Result<String, Failure> {
    match wish.own {
        Some(path) => own(path),
        None => self_signed(wish.hosts),
    }
}

fn self_signed(hosts: &[String]) -> Result<String, Failure> {
    let mut names: Vec<String> = HERE.map(str::to_owned).to_vec();
    for host in hosts.iter().filter(|host| !host.is_empty()) {
        if !names.contains(host) {
            names.push(host.clone());
        }
    }
    let mut params = CertificateParams::new(names).map_err(|error| {
        Failure::usage(format!("--host: {error}"))
            .hint("a host is a name or an address, as in films.example")
    })?;
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, SIGNER);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = rcgen::date_time_ymd(1970, 1, 1) + now.unwrap_or_default();
    (params.not_before, params.not_after) = (now - PAST, now + VALID);
    // No authority: whoever trusts it trusts this one certificate.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let made = || -> Result<String, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
    };
    made().map_err(|error| anyhow!(error).context("making a certificate").into())
}

/// Whether [`of`] made it without being handed one.
pub(super) fn is_ours(pem: &str) -> bool {
    let first = CertificateDer::pem_slice_iter(pem.as_bytes()).next();
    let Some(Ok(certificate)) = first else {
        return false;
    };
    holds(&certificate, SIGNER.as_bytes())
}

fn own(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the certificate {}", path.display()))?;
    let refused = |what: String| {
        let detail = format!("{}: {what}", path.display());
        Failure::refused(ExitKind::Input, detail)
            .hint("one PEM file holds the server's certificate, then the chain, and the private key without a password")
    };
    let chain: Result<Vec<CertificateDer<'_>>, _> =
        CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let chain = chain.map_err(|error| refused(format!("a certificate cannot be read: {error}")))?;
    let Some(first) = chain.first() else {
        return Err(refused("there is no certificate in it".to_owned()));
    };
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|error| refused(format!("there is no private key in it: {error}")))?;
    // Kinds of keys that only the edge can read are left to it.
    if let Ok(key) = KeyPair::try_from(&key)
        && !holds(first, key.der_bytes())
    {
        return Err(refused(
            "the key belongs to another certificate than the first".to_owned(),
        ));
    }
    Ok(text)
}

fn holds(der: &CertificateDer<'_>, part: &[u8]) -> bool {
    der.windows(part.len()).any(|window| window == part)
}
