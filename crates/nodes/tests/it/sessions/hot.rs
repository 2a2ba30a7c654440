//! Sessions in Redis: each replica tells what the last answered write left, whatever Redis does meanwhile.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Database, Redis, on_both_engines};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::{Body, Call, Caller, Calls as _, Code, Problem};

use crate::kept::{Replica, store, there};
use crate::runs::meddle;

/// As many as one test may take.
const TIMES: u64 = 1_000;

impl Replica {
    async fn told(&self, who: &Caller, node: &str, input: Value) -> Result<Value, Problem> {
        let body = Body::json(input.to_string());
        let call = Call::new(node.parse().unwrap(), who.clone(), body);
        let bytes = self.nodes.call(call).await?.body.collect(1 << 20).await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn read(&self, id: &Value) -> Result<Value, Problem> {
        let named = json!({"id": id});
        self.told(&self.admin, "session.read", named).await
    }

    async fn state(&self, id: &Value) -> Value {
        self.read(id).await.unwrap()["state"].clone()
    }

    async fn set(&self, id: &Value, set: Value) {
        let set = json!({"id": id, "set": set});
        self.told(&self.admin, "session.write", set).await.unwrap();
    }
}

/// Two over one database, and one Redis for both.
async fn two(database: &Database, redis: &Redis) -> [Replica; 2] {
    let store = store(database).await;
    let one = Replica::new(&store, Some(there(redis))).await;
    [one, Replica::new(&store, Some(there(redis))).await]
}

/// A way to Redis that can be cut, while others still reach it.
struct Line {
    url: String,
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Line {
    async fn to(redis: &Redis) -> Self {
        let (user, there) = redis.url().rsplit_once('@').map(own).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{user}@{}", listener.local_addr().unwrap());
        let (cut, tasks) = (CancellationToken::new(), TaskTracker::new());
        let line = Self {
            url,
            cut: cut.clone(),
            tasks: tasks.clone(),
        };
        tasks
            .clone()
            .spawn(cut.clone().run_until_cancelled_owned(async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    let mut far = TcpStream::connect(&there).await.unwrap();
                    tasks.spawn(cut.clone().run_until_cancelled_owned(async move {
                        copy_bidirectional(&mut near, &mut far).await.ok();
                    }));
                }
            }));
        line
    }

    async fn cut(self) {
        self.cut.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn own((user, there): (&str, &str)) -> (String, String) {
    (user.to_owned(), there.to_owned())
}

/// Behind the back of all, as nothing does.
async fn slip_in(database: &Database, state: &str) {
    meddle(
        database,
        &format!("UPDATE gantry_session SET state = '{state}'"),
    )
    .await;
}

#[tokio::test]
async fn what_one_replica_wrote_the_other_reads_at_once() {
    let mut redis = Redis::start().unwrap();
    // One after the other, each with the same server.
    for database in [Database::sqlite(), Database::postgres().await] {
        let replicas = two(&database, &redis).await;
        let id = replicas[0].write("session.open", json!({})).await["id"].clone();
        for n in 0..TIMES {
            let (writer, reader) = if n % 2 == 0 { (0, 1) } else { (1, 0) };
            match n {
                // Gone, back and empty, held up with all that it knew.
                400 => redis.stop().unwrap(),
                402 => redis.start_again().unwrap(),
                700 => redis.hold_still().unwrap(),
                702 => redis.go_on().unwrap(),
                _ => {}
            }
            // So that it is kept as it was, where it is kept.
            let before = join_all(replicas.iter().map(|replica| replica.state(&id))).await;
            assert_eq!(before[0], before[1], "before {n}");
            replicas[writer].set(&id, json!({"n": n})).await;
            assert_eq!(replicas[reader].state(&id).await, json!({"n": n}));
            assert_eq!(replicas[writer].state(&id).await, json!({"n": n}));
        }
        replicas[0].write("session.close", json!({"id": id})).await;
        for replica in &replicas {
            assert_eq!(replica.read(&id).await.unwrap_err().code, Code::NotFound);
        }
    }
}

#[tokio::test]
async fn a_session_that_is_hot_is_told_to_its_owner_only_and_without_the_database() {
    let redis = Redis::start().unwrap();
    on_both_engines(async |database| {
        let [one, two] = two(&database, &redis).await;
        let other = two.someone("admin").await;
        let id = one.write("session.open", json!({"state": {"n": 1}})).await["id"].clone();
        // For a moment only, which may pass while others compute: then once more.
        let mut hot = false;
        for n in 2..100 {
            one.set(&id, json!({"n": n})).await;
            assert_eq!(one.state(&id).await, json!({"n": n}));
            slip_in(&database, r#"{"n":"unseen"}"#).await;
            let theirs = two.told(&other, "session.read", json!({"id": id})).await;
            assert_eq!(theirs.unwrap_err().code, Code::NotFound);
            let state = two.state(&id).await;
            if state == json!({"n": n}) {
                hot = true;
                break;
            }
            assert_eq!(state, json!({"n": "unseen"}));
        }
        assert!(hot, "nothing is told from Redis");
        // Another's write comes to nothing, and the next of the owner is seen.
        let theirs = json!({"id": id, "set": {"n": 0}});
        let theirs = two.told(&other, "session.write", theirs).await;
        assert_eq!(theirs.unwrap_err().code, Code::NotFound);
        one.set(&id, json!({"m": 1})).await;
        assert_eq!(two.state(&id).await, json!({"n": "unseen", "m": 1}));
    })
    .await;
}

#[tokio::test]
async fn who_cannot_tell_redis_of_a_write_answers_when_nothing_older_is_told_any_more() {
    let redis = Redis::start().unwrap();
    on_both_engines(async |database| {
        let store = store(&database).await;
        let line = Line::to(&redis).await;
        let server = cache::Server::new(&line.url, Some(Redis::PASSWORD)).unwrap();
        let cut_off = Replica::new(&store, Some(cache::Place::There(server))).await;
        let other = Replica::new(&store, Some(there(&redis))).await;
        let id = other.write("session.open", json!({})).await["id"].clone();
        cut_off.set(&id, json!({"n": 0})).await;
        line.cut().await;
        for n in 1..4 {
            assert_eq!(other.state(&id).await, json!({"n": n - 1}));
            cut_off.set(&id, json!({"n": n})).await;
            assert_eq!(other.state(&id).await, json!({"n": n}));
        }
        let id = json!({"id": id});
        cut_off.write("session.close", id.clone()).await;
        assert_eq!(
            other.read(&id["id"]).await.unwrap_err().code,
            Code::NotFound
        );
    })
    .await;
}

#[tokio::test]
async fn a_use_lets_a_hot_session_live_longer_on_every_replica() {
    let redis = Redis::start().unwrap();
    on_both_engines(async |database| {
        let [one, two] = two(&database, &redis).await;
        let opened = one.write("session.open", json!({"ttl": 3_600})).await;
        let id = opened["id"].clone();
        let lives =
            async |replica: &Replica| replica.read(&id).await.unwrap()["expires_at"].clone();
        assert_eq!(lives(&two).await, opened["expires_at"]);
        let soon = jiff::Timestamp::now() + std::time::Duration::from_mins(10);
        let soon = soon.strftime("%Y-%m-%dT%H:%M:%S.000000Z");
        let sql = format!("UPDATE gantry_session SET expires_at = '{soon}'");
        meddle(&database, &sql).await;
        redis.forget("gantry:*:e:session:*").unwrap();
        let longer = lives(&one).await;
        assert!(longer.as_str() > opened["expires_at"].as_str(), "{longer}");
        assert_eq!(lives(&two).await, longer);
        assert_eq!(lives(&one).await, longer);
        // One that has ended is not kept alive by what is kept of it.
        let sql = "UPDATE gantry_session SET expires_at = '2020-01-01T00:00:00.000000Z'";
        meddle(&database, sql).await;
        redis.forget("gantry:*:e:session:*").unwrap();
        assert_eq!(two.read(&id).await.unwrap_err().code, Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn sessions_of_faces_are_hot_too() {
    let redis = Redis::start().unwrap();
    on_both_engines(async |database| {
        let [one, two] = two(&database, &redis).await;
        for n in 0..20 {
            let put = json!({"id": "face", "kind": "mcp", "state": n, "ttl": 60});
            one.write("session.put", put).await;
            let named = json!({"id": "face", "kind": "mcp"});
            assert_eq!(two.write("session.get", named.clone()).await["state"], n);
            assert_eq!(one.write("session.get", named).await["state"], n);
        }
        let named = json!({"id": "face", "kind": "mcp"});
        one.write("session.delete", named.clone()).await;
        let gone = two.told(&two.admin, "session.get", named).await;
        assert_eq!(gone.unwrap_err().code, Code::NotFound);
    })
    .await;
}
