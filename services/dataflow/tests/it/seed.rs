//! `dataflow seed` does once what it is asked twice.

use crate::program::{Dataflow, free, own_database, text};

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
    // A graph that is asked for and not there is no success.
    dataflow.set("NEO4J_URL", &format!("bolt://neo4j@{}", free()));
    let seeded = dataflow.run(&["seed"]);
    assert_eq!(seeded.status.code(), Some(1), "{}", text(&seeded.stdout));
}
