//! Keys over real sockets and files: found, replaced, away, and wrong.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access::jwt::Refused;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Auth, Issuer, KeySource};
use nodes::{KeyWish, Tokens};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use wire::{Body, Call, Caller, Calls, Code, Dependency, Grant, Problem, Status};

use super::{Keeping, Pace};
use crate::{App, Settings};

const QUICK: Pace = Pace {
    address: Duration::from_millis(50),
    file: Duration::from_millis(20),
    again: Duration::from_millis(20),
    wished: Duration::from_mins(1),
    stale: Duration::from_millis(600),
};
/// Looks again only when it is asked to.
const ASKED: Pace = Pace {
    address: Duration::from_hours(1),
    ..QUICK
};

struct Signer {
    kid: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    fn new(kid: &'static str) -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap();
        Self { kid, pair }
    }

    fn set(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x}]}).to_string()
    }

    fn token(&self) -> String {
        self.token_of("here")
    }

    fn token_of(&self, issuer: &str) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({"alg": "EdDSA", "kid": self.kid}));
        let claims = part(json!({"iss": issuer, "aud": "us", "sub": "ada", "exp": now() + 60}));
        let signed = format!("{header}.{claims}");
        let signature = self.pair.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// What an address answers: whole, head and body.
#[derive(Clone, Default)]
struct Site {
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<AtomicUsize>,
    address: String,
}

impl Site {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let site = Self {
            address: format!("http://{}/jwks", listener.local_addr().unwrap()),
            ..Self::default()
        };
        let served = site.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]);
                served.asked.fetch_add(1, Ordering::SeqCst);
                let answer = served.answer.lock().unwrap().clone();
                // Whoever has seen enough hangs up.
                let _ = stream.write_all(&answer);
            }
        });
        site
    }

    fn say(&self, head: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        *self.answer.lock().unwrap() = answer.into_bytes();
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Keys kept for as long as this is there.
struct Kept {
    tokens: Tokens,
    keeping: Keeping,
}

impl Kept {
    fn new(keys: KeySource, ca_file: Option<&Path>, pace: Pace) -> Self {
        let issuer = Issuer {
            name: "here".to_owned(),
            issuer: "here".to_owned(),
            keys,
            ca_file: ca_file.map(Path::to_owned),
            algorithms: None,
            roles: "roles".to_owned(),
            tenant: None,
            subject: "sub".to_owned(),
            leeway: Duration::from_secs(30),
        };
        let auth = Auth {
            audience: vec!["us".to_owned()],
            issuers: vec![issuer],
        };
        let (tokens, keeping) = Keeping::with(auth, Path::new("/"), pace);
        keeping.begin(&TaskTracker::new());
        Self { tokens, keeping }
    }

    fn at(site: &Site, pace: Pace) -> Self {
        Self::new(KeySource::Address(site.address.clone()), None, pace)
    }

    fn check(&self, signer: &Signer) -> Result<(), Refused> {
        let verified = self.tokens.issuers.verify(&signer.token(), now());
        verified.map(drop)
    }

    async fn wish(&self) {
        let (done, told) = oneshot::channel();
        let made = Instant::now();
        let wish = KeyWish { made, done };
        self.tokens.wishes[0].send(wish).await.ok().unwrap();
        told.await.unwrap();
    }

    fn trouble(&self) -> String {
        let standing = self.tokens.issuers.standings().remove(0);
        standing.trouble.unwrap_or_default()
    }

    /// Until it is so; a machine may be busy.
    async fn until(&self, so: impl Fn(&Self) -> bool) {
        for _ in 0..500 {
            if so(self) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("it never came to be: {}", self.trouble());
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeping.end();
    }
}

#[tokio::test]
async fn a_key_that_takes_anothers_place_is_found_when_a_token_names_it() {
    let (old, new, forged) = (
        Signer::new("old"),
        Signer::new("new"),
        Signer::new("forged"),
    );
    let site = Site::open();
    site.say("200 OK", &old.set());
    let kept = Kept::at(&site, ASKED);
    kept.wish().await;
    assert_eq!(kept.check(&old), Ok(()));
    assert_eq!(kept.check(&new), Err(Refused::Key(0)));
    site.say("200 OK", &new.set());
    kept.wish().await;
    assert_eq!(kept.check(&new), Ok(()));
    assert_eq!(kept.check(&old), Err(Refused::Key(0)));
    // Whoever names keys that are nowhere makes no more questions of it.
    let asked = site.asked();
    for _ in 0..50 {
        assert_eq!(kept.check(&forged), Err(Refused::Key(0)));
        kept.wish().await;
    }
    assert!(site.asked() <= asked, "{asked} {}", site.asked());
}

#[tokio::test]
async fn keys_outlast_an_issuer_that_is_away_for_a_time() {
    let (signer, next) = (Signer::new("a"), Signer::new("b"));
    let site = Site::open();
    site.say("200 OK", &signer.set());
    let kept = Kept::at(&site, QUICK);
    kept.until(|kept| kept.check(&signer).is_ok()).await;
    site.say("500 Internal Server Error", "");
    kept.until(|kept| kept.trouble().ends_with("/jwks answers 500"))
        .await;
    assert_eq!(kept.check(&signer), Ok(()));
    kept.until(|kept| kept.check(&signer) == Err(Refused::NoKeys(0)))
        .await;
    site.say("200 OK", &next.set());
    kept.until(|kept| kept.check(&next).is_ok()).await;
    assert_eq!(kept.trouble(), "");
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_told() {
    let signer = Signer::new("a");
    let site = Site::open();
    let big = format!("{{\"keys\": [], \"x\": \"{}\"}}", "x".repeat(1 << 20));
    let other = Site::open();
    other.say("200 OK", &signer.set());
    let moved = format!("302 Found\r\nlocation: {}", other.address);
    for (head, body, expected) in [
        (moved.as_str(), "", "/jwks answers 302"),
        ("404 Not Found", "{}", "/jwks answers 404"),
        ("200 OK", "<html>", "/jwks has no keys: it is no JSON"),
        (
            "200 OK",
            "{\"keys\": []}",
            "/jwks has no keys: none of its keys",
        ),
        ("200 OK", big.as_str(), "/jwks cannot be fetched: "),
        ("nonsense", "", "/jwks cannot be fetched: "),
    ] {
        site.say(head, body);
        let kept = Kept::at(&site, QUICK);
        kept.until(|kept| kept.trouble().contains(expected)).await;
        assert_eq!(kept.check(&signer), Err(Refused::NoKeys(0)));
    }
    assert_eq!(other.asked(), 0);
    let gone = KeySource::Address("http://127.0.0.1:1/jwks".to_owned());
    let kept = Kept::new(gone, None, QUICK);
    kept.until(|kept| kept.trouble().contains("/jwks cannot be fetched: "))
        .await;
}

#[tokio::test]
async fn a_file_of_keys_is_read_again_when_it_changes() {
    let (old, new) = (Signer::new("a"), Signer::new("b"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let kept = Kept::new(KeySource::File(path.clone()), None, QUICK);
    kept.until(|kept| kept.trouble().contains("jwks.json cannot be read: "))
        .await;
    fs::write(&path, old.set()).unwrap();
    kept.until(|kept| kept.check(&old).is_ok()).await;
    fs::write(&path, new.set()).unwrap();
    kept.until(|kept| kept.check(&new).is_ok()).await;
    // A file that is half written leaves what was there.
    fs::write(&path, "{").unwrap();
    kept.until(|kept| kept.trouble().contains("jwks.json has no keys: "))
        .await;
    assert_eq!(kept.check(&new), Ok(()));
    fs::write(&path, new.set()).unwrap();
    kept.until(|kept| kept.trouble().is_empty()).await;
    let short = folder.path().join("secret");
    fs::write(&short, "short\n").unwrap();
    let kept = Kept::new(KeySource::Secret(short), None, QUICK);
    kept.until(|kept| kept.trouble().contains("less than 32 bytes"))
        .await;
}

#[tokio::test]
async fn keys_over_tls_are_believed_from_whom_the_project_trusts() {
    let signer = Signer::new("a");
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, made.cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![made.cert.der().clone()],
            made.signing_key.serialize_der().try_into().unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let set = signer.set();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\nconnection: close";
            let _ = write!(
                stream,
                "{head}\r\ncontent-length: {}\r\n\r\n{set}",
                set.len()
            );
            let _ = stream.flush();
        }
    });
    let of = |host: &str| KeySource::Address(format!("https://{host}:{port}/jwks"));
    let kept = Kept::new(of("localhost"), Some(&ca_file), QUICK);
    kept.until(|kept| kept.check(&signer).is_ok()).await;
    // Another name than the certificate's, and a root that nobody said to trust.
    for (host, ca_file) in [("127.0.0.1", Some(&*ca_file)), ("localhost", None)] {
        let kept = Kept::new(of(host), ca_file, QUICK);
        kept.until(|kept| kept.trouble().contains("/jwks cannot be fetched: "))
            .await;
        assert_eq!(kept.check(&signer), Err(Refused::NoKeys(0)));
    }
}

async fn verify(calls: &dyn Calls, token: &str) -> Result<Grant, Problem> {
    let input = json!({"credential": token}).to_string();
    let node = "auth.verify".parse().unwrap();
    let call = Call::new(node, Caller::Anonymous, Body::json(input));
    let answer = calls.call(call).await?;
    let grant = answer.body.collect(1 << 20).await.unwrap();
    Ok(serde_json::from_slice(&grant).unwrap())
}

#[tokio::test]
async fn a_token_waits_for_a_key_that_is_new_and_an_issuer_that_is_away_is_told() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let site = Site::open();
    site.say("200 OK", &old.set());
    let folder = tempfile::tempdir().unwrap();
    let here = &site.address;
    let text = format!(
        "auth:\n  audience: us\n  issuers:\n    - {{ issuer: here, keys: '{here}' }}\n    \
         - {{ issuer: away, keys: 'http://127.0.0.1:1/jwks' }}\n"
    );
    fs::write(folder.path().join("gantry.yaml"), text).unwrap();
    let settings = Settings::embedded(folder.path().to_owned(), None);
    let app = App::connect(&settings).await.unwrap();
    let tasks = TaskTracker::new();
    app.join(&tasks).await.unwrap();
    let calls = app.calls();
    let of = async |name: &str| -> Dependency {
        let mut dependencies = calls.health().await.dependencies.into_iter();
        let named = format!("issuer {name}");
        dependencies
            .find(|dependency| dependency.name == named)
            .unwrap()
    };
    while of("here").await.status != Status::Ok || of("away").await.reason.unwrap().ends_with("yet")
    {
        sleep(Duration::from_millis(20)).await;
    }
    let grant = verify(&*calls, &old.token()).await.unwrap();
    assert_eq!((grant.id.as_str(), grant.expires_in), ("here:ada", 30));
    assert_eq!(grant.scopes.unwrap(), ["gantry:read"]);
    site.say("200 OK", &new.set());
    verify(&*calls, &new.token()).await.unwrap();
    let gone = verify(&*calls, &old.token()).await.err().unwrap();
    assert_eq!(gone.code, Code::Unauthenticated);

    let away = verify(&*calls, &old.token_of("away")).await.err().unwrap();
    assert_eq!(away.code, Code::Unavailable);
    let away = of("away").await;
    assert_eq!((away.status, away.required), (Status::Down, false));
    assert!(
        away.reason
            .unwrap()
            .starts_with("http://127.0.0.1:1/jwks cannot be fetched")
    );
    assert_eq!(calls.health().await.status, Status::Degraded);
    app.close().await;
    tasks.close();
    tasks.wait().await;
}
