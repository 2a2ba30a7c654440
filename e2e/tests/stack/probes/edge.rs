//! `HAProxy`: it starts with a certificate only, and ends when it is told to.

use std::fs;

use e2e::engine::{docker, said};

use super::Store;

fn store(test: &str) -> Store {
    Store::new("haproxy", test, &["--memory=128m"])
}

/// A certificate that nobody trusts, and its key.
fn certificate(store: &Store) -> String {
    let file = |name: &str| store.secrets().join(name).display().to_string();
    let (key, chain) = (file("key"), file("chain"));
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        &key,
        "-out",
        &chain,
    ];
    said("openssl", arguments, []).unwrap();
    fs::read_to_string(chain).unwrap() + &fs::read_to_string(key).unwrap()
}

#[test]
fn the_edge_wants_a_certificate_with_its_key() {
    let store = store("edge-certificate");
    let (code, why) = store.refused("", &[]);
    assert_eq!(code, Some(64));
    assert!(why.contains("mount a PEM file"), "{why}");
    store.secret("edge_certificate", "-----BEGIN CERTIFICATE-----\n");
    let (code, why) = store.refused("", &[]);
    assert_eq!(code, Some(64));
    assert!(why.contains("holds no private key"), "{why}");
    store.secret(
        "edge_certificate",
        "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n",
    );
    let (code, why) = store.refused("", &[]);
    assert_eq!(code, Some(1));
    assert!(why.contains("edge_certificate"), "{why}");
}

#[test]
fn the_edge_is_red_when_it_hangs_and_ends_when_told_to() {
    let store = store("edge-red");
    store.secret("edge_certificate", &certificate(&store));
    store.start(&[]);
    store.green_after(|said| assert_eq!(said.code, Some(1), "{}", said.err));
    // Its master hears signals; the worker that answers is its child, and hangs with the whole container.
    docker(["pause", &store.name]).unwrap();
    assert!(!store.probe().ok);
    docker(["unpause", &store.name]).unwrap();
    store.green();
    // A renewed certificate is taken without closing the port.
    store.secret("edge_certificate", &certificate(&store));
    store.kill("USR2");
    store.green();
    docker(["stop", "--time=20", &store.name]).unwrap();
    let code = docker(["inspect", "--format={{.State.ExitCode}}", &store.name]).unwrap();
    assert_eq!(code, "0");
}
