//! PostgreSQL takes texts apart as this process does: what an index holds is what a search asks for.

use testkit::Database;
use tokio_postgres::{Client, NoTls};

use super::{EVERYTHING, open};

#[tokio::test]
async fn both_engines_see_the_same_words_in_every_character() {
    let database = Database::postgres().await;
    let _made = open(&database, &[EVERYTHING]).await;
    let url = database.location_url();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    // The connection ends when the client is dropped.
    let (ended, ()) = tokio::join!(connection, compare(client));
    ended.unwrap();
}

async fn compare(client: Client) {
    let all: Vec<char> = ('\u{1}'..=char::MAX).collect();
    let texts = all.chunks(8_192).map(|chunk| {
        // Between two letters each, so that one word more or less shows which character it was.
        let each = chunk.iter().map(|c| format!("a{c}b a"));
        each.collect::<String>()
    });
    let edges = [
        "ß".repeat(model::WORD + 1),
        String::new(),
        "?! …".to_owned(),
    ];
    for text in texts.chain(edges) {
        let row = client.query_one("SELECT gantry_words($1)", &[&text]).await;
        let theirs: Vec<String> = row.unwrap().get(0);
        let ours = model::words(&text);
        let differ = theirs
            .iter()
            .zip(&ours)
            .find(|(theirs, ours)| theirs != ours);
        assert_eq!((differ, theirs.len()), (None, ours.len()));
    }
}
