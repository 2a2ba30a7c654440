//! The rows of API keys.

use store::KeyRow;
use testkit::on_both_engines;

use super::{EVERYTHING, open};

#[tokio::test]
async fn the_keys_of_an_older_gantry_stay_and_have_no_scopes() {
    on_both_engines(async |database| {
        let (store, _) = open(&database, &[EVERYTHING]).await;
        let key = |id: &str, scopes: Option<&[&str]>| KeyRow {
            id: id.to_owned(),
            name: "n".to_owned(),
            hash: [7; 32],
            roles: vec!["editor".to_owned()],
            tenant: None,
            scopes: scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect()),
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            expires_at: None,
            revoked_at: None,
        };
        store.add_key(&key("old", None)).await.unwrap();
        let older = "ALTER TABLE gantry_keys DROP COLUMN scopes; UPDATE gantry_meta SET value = '3' WHERE key = 'schema'";
        crate::migrate::sql(&database).await.run(older).await;
        let (store, _) = open(&database, &[EVERYTHING]).await;
        let new = [key("new", Some(&["a", "b"])), key("none", Some(&[]))];
        for key in &new {
            store.add_key(key).await.unwrap();
            assert_eq!(store.find_key(&key.id).await.unwrap().as_ref(), Some(key));
        }
        assert_eq!(store.find_key("old").await.unwrap(), Some(key("old", None)));
        assert_eq!(store.list_keys().await.unwrap().len(), 3);
    })
    .await;
}
