//! What is kept counts as long as nothing that it was made of changed, here and in Redis alike.
#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

use std::time::Duration;

use cache::{Cache, Key, Looked, Place, Server, Ticket};
use testkit::Redis;

const KEY: Key = [7; 32];
const MODELS: [&str; 2] = ["Film", "Person"];
const LONG: Duration = Duration::from_hours(1);

async fn on_both(story: impl AsyncFn(Cache)) {
    story(Cache::new(&Place::Here, "test")).await;
    let redis = Redis::start().unwrap();
    let server = Server::new(&redis.url(), Some(Redis::PASSWORD)).unwrap();
    story(Cache::new(&Place::There(server), "test")).await;
}

/// What was kept, or what it takes to keep something.
async fn look(cache: &Cache) -> Result<Vec<u8>, Ticket> {
    match cache.look(KEY, &MODELS).await {
        Looked::Found(kept) => Ok(kept.to_vec()),
        Looked::Missed(ticket) => Err(ticket),
        Looked::Off => panic!("it is off"),
    }
}

async fn keep(cache: &Cache, answer: &[u8], time: Duration) {
    let Err(ticket) = look(cache).await else {
        panic!("something is kept")
    };
    cache.keep(ticket, answer, time).await;
}

#[tokio::test]
async fn a_change_of_any_of_its_models_ends_an_answer() {
    on_both(async |cache| {
        for model in MODELS {
            keep(&cache, b"old", LONG).await;
            assert_eq!(look(&cache).await.ok().unwrap(), b"old");
            let mut change = cache.change();
            change.concerns("Other");
            change.done().await;
            assert_eq!(look(&cache).await.ok().unwrap(), b"old");
            let mut change = cache.change();
            change.concerns(model);
            change.done().await;
            assert!(look(&cache).await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_database_said_before_a_change_is_never_valid_after_it() {
    on_both(async |cache| {
        let Err(ticket) = look(&cache).await else {
            panic!("something is kept")
        };
        let mut change = cache.change();
        change.concerns("Film");
        change.done().await;
        cache.keep(ticket, b"old", LONG).await;
        assert!(look(&cache).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_caller_went_away_ends_an_answer_and_one_that_did_nothing_does_not() {
    on_both(async |cache| {
        keep(&cache, b"old", LONG).await;
        let mut change = cache.change();
        change.concerns("Film");
        change.undone();
        assert_eq!(look(&cache).await.ok().unwrap(), b"old");
        let mut change = cache.change();
        change.concerns("Film");
        drop(change);
        assert!(look(&cache).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_or_too_old_is_not_kept() {
    on_both(async |cache| {
        keep(&cache, &vec![0; (1 << 20) + 1], LONG).await;
        keep(&cache, b"brief", Duration::from_millis(200)).await;
        let gone = async {
            while look(&cache).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let within = tokio::time::timeout(Duration::from_mins(1), gone).await;
        within.expect("it stayed");
        keep(&cache, &vec![1; 1 << 20], LONG).await;
        assert_eq!(look(&cache).await.ok().unwrap().len(), 1 << 20);
    })
    .await;
}

#[tokio::test]
async fn more_than_there_is_room_for_in_memory_goes() {
    let cache = Cache::new(&Place::Here, "test");
    for n in 0..100 {
        let key = [n; 32];
        let Looked::Missed(ticket) = cache.look(key, &MODELS).await else {
            panic!("something is kept")
        };
        cache.keep(ticket, &vec![n; 1 << 20], LONG).await;
    }
    let mut kept = 0;
    for n in 0..100 {
        let found = cache.look([n; 32], &MODELS).await;
        kept += u32::from(matches!(found, Looked::Found(_)));
    }
    assert!((1..=64).contains(&kept), "{kept}");
}

#[tokio::test]
async fn one_namespace_knows_nothing_of_another() {
    let redis = Redis::start().unwrap();
    let server = Server::new(&redis.url(), Some(Redis::PASSWORD)).unwrap();
    let place = Place::There(server);
    let (one, two) = (Cache::new(&place, "one"), Cache::new(&place, "two"));
    keep(&one, b"old", LONG).await;
    assert!(look(&two).await.is_err());
    let mut change = two.change();
    change.concerns("Film");
    change.done().await;
    assert_eq!(look(&one).await.ok().unwrap(), b"old");
}

#[test]
fn a_servers_password_is_never_shown() {
    let server = Server::new("redis://gantry:within@redis:6379", Some("beside")).unwrap();
    assert_eq!(format!("{server:?}"), "redis://redis:6379");
    let refused = Server::new("nonsense:within", None).unwrap_err();
    assert!(!refused.to_string().contains("within"), "{refused}");
}
