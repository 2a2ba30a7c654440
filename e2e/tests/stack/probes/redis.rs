//! Redis: `PONG` alone is not green.

use e2e::engine::{Said, docker};

use super::{Store, small};

const PASSWORD: &str = "correct horse battery";
const OPTIONS: &[&str] = &[
    "--tmpfs=/run/redis:noexec,nosuid,nodev,size=1m,uid=999,gid=999,mode=0700",
    "--volume=NAME:/data",
];

fn store(test: &str, memory: &str) -> Store {
    let store = Store::new("redis", test, &[OPTIONS, &[memory]].concat());
    store.secret("redis_password", PASSWORD);
    store.secret("wrong", "wrong");
    store
}

fn ask(store: &Store, words: &[&str]) -> Said {
    let password = format!("REDISCLI_AUTH={PASSWORD}");
    let client = ["/usr/bin/redis-cli", "--user", "gantry"];
    docker(
        [
            &["exec", "--env", &password, &store.name],
            &client[..],
            words,
        ]
        .concat(),
    )
}

#[test]
fn redis_is_red_for_a_wrong_password_and_when_it_hangs() {
    let store = store("redis-red", "--memory=128m");
    store.start(&[]);
    store.green_after(|said| assert_eq!(said.code, Some(1), "{}", said.err));
    assert_eq!(ask(&store, &["PING"]).unwrap(), "PONG");
    let wrong = store.probe_with("GANTRY_REDIS_PASSWORD_FILE=/run/secrets/wrong");
    store.red(&wrong, "WRONGPASS");
    store.hangs_and_goes_on();
    store.keeps_its_secret("battery");
    // What empties or ends it is nobody's, and a stranger is nobody.
    for forbidden in [
        &["FLUSHALL"][..],
        &["SHUTDOWN"],
        &["CONFIG", "SET", "maxmemory", "1"],
        &["DEBUG", "SLEEP", "1"],
    ] {
        let said = ask(&store, forbidden);
        let refused = ["NOPERM", "DEBUG command not allowed"];
        assert!(
            refused.iter().any(|why| said.out.contains(why)),
            "{forbidden:?}: {}",
            said.out
        );
    }
    let stranger = store.exec(&["/usr/bin/redis-cli", "PING"]);
    assert!(stranger.out.contains("NOAUTH"), "{}", stranger.out);
    let limit = ask(&store, &["CONFIG", "GET", "maxmemory"]).unwrap();
    assert!(limit.contains(&(96 << 20).to_string()), "{limit}");
}

#[test]
fn redis_is_red_while_it_loads_and_keeps_what_it_was_told() {
    let store = store("redis-loading", "--memory=1g");
    store.start(&[]);
    store.green();
    let fill = "for i = 1, 20 do for j = 1, 5000 do redis.call('SET', KEYS[1] .. ARGV[1] .. ':' .. i .. ':' .. j, string.rep('x', 50)) end end";
    for round in 0..8 {
        ask(&store, &["EVAL", fill, "1", "k", &round.to_string()]).unwrap();
    }
    // Everysec: what is older than a second is on the disk.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    store.kill("KILL");
    docker(["start", &store.name]).unwrap();
    let mut loading = 0;
    store.green_after(|said| loading += usize::from(said.err.contains("LOADING")));
    assert!(loading > 0, "it was never seen loading");
    assert_eq!(ask(&store, &["DBSIZE"]).unwrap(), "800000");
}

#[test]
fn redis_is_red_on_a_full_disk() {
    let store = store("redis-full", "--memory=128m");
    let options = small(96, 999);
    store.volume(&options.each_ref().map(String::as_str));
    store.start(&[]);
    store.green();
    store.fill();
    let _ = ask(&store, &["SET", "a", "b"]);
    // Whichever is seen first: Redis' own last write, or the disk.
    let said = store.probe();
    assert!(!said.ok);
    let told = said.err.contains("the disk of /data is full") || said.err.contains("MISCONF");
    assert!(told, "{}", said.err);
    store.empty();
    store.green();
}

#[test]
fn redis_refuses_to_lose_its_data() {
    let store = store("redis-foreign", "--memory=128m");
    let (code, why) = store.refused(":/data", &[]);
    assert_eq!(code, Some(64));
    assert!(why.contains("no volume is mounted at /data"), "{why}");
    // A folder that belongs to another user.
    let options = small(96, 4711);
    store.volume(&options.each_ref().map(String::as_str));
    let (code, why) = store.refused("", &[]);
    assert_eq!(code, Some(64));
    assert!(why.contains("has to belong to user 999"), "{why}");
    store.secret("redis_password", "");
    let (code, why) = store.refused("", &[]);
    assert_eq!((code, why.contains("is empty")), (Some(64), true), "{why}");
}
