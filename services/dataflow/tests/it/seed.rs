//! `dataflow seed` does once what it is asked twice.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::program::{Dataflow, own_database, text};

#[test]
fn seeds_are_loaded_once() {
    let mut dataflow = Dataflow::new();
    for expected in [
        "Film: 2 created, 0 updated, 0 unchanged, 0 failed\n",
        "Film: 0 created, 0 updated, 2 unchanged, 0 failed\n",
    ] {
        let seeded = dataflow.run(&["seed"]);
        assert!(seeded.status.success(), "{}", text(&seeded.stderr));
        assert_eq!(text(&seeded.stdout), expected);
    }
    assert!(own_database(dataflow.folder.path()));
    // What is asked for as a graph and is none is no success.
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("bolt://neo4j@{}", other.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        // Unread bytes would reset the connection when it is closed.
        stream.read_exact(&mut [0; 20]).unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
    });
    dataflow.set("NEO4J_URL", &url);
    let seeded = dataflow.run(&["seed"]);
    assert_eq!(seeded.status.code(), Some(1), "{}", text(&seeded.stdout));
    let told = text(&seeded.stderr);
    assert!(told.contains("does not speak Bolt"), "{told}");
    answering.join().unwrap();
}
