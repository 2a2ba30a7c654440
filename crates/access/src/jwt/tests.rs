//! Tokens as issuers make them, and with one thing wrong each.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::{Algorithm, Auth, Issuer, KeySource};
use ring::rand::SystemRandom;
use ring::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding,
    RsaKeyPair,
};
use ring::{digest, hmac};
use serde_json::{Value, json};

use super::{BadKeys, Issuers, KeySet, Refused};
use crate::{Principal, Scope};

const NOW: u64 = 2_000_000_000;
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// What signs, by `alg`.
struct Signers {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

impl Signers {
    fn new() -> Self {
        let random = SystemRandom::new();
        let curve = |algorithm: &'static EcdsaSigningAlgorithm| {
            let made = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(algorithm, made.as_ref(), &random).unwrap()
        };
        let made = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        // It takes too long to look for primes in each run.
        let rsa = include_str!("rsa_for_tests.txt").replace('\n', "");
        Self {
            rsa: RsaKeyPair::from_der(&STANDARD.decode(rsa).unwrap()).unwrap(),
            p256: curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            ed25519: Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap(),
        }
    }

    fn sign(&self, algorithm: &str, signed: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let mac = |algorithm| {
            let key = hmac::Key::new(algorithm, SECRET);
            hmac::sign(&key, signed).as_ref().to_vec()
        };
        let rsa = |encoding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            let done = self.rsa.sign(encoding, &random, signed, &mut signature);
            done.unwrap();
            signature
        };
        let curve = |pair: &EcdsaKeyPair| pair.sign(&random, signed).unwrap().as_ref().to_vec();
        match algorithm {
            "HS256" => mac(hmac::HMAC_SHA256),
            "HS384" => mac(hmac::HMAC_SHA384),
            "HS512" => mac(hmac::HMAC_SHA512),
            "RS256" => rsa(&signature::RSA_PKCS1_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_SHA512),
            "ES256" => curve(&self.p256),
            "ES384" => curve(&self.p384),
            "EdDSA" | "Ed25519" => self.ed25519.sign(signed).as_ref().to_vec(),
            _ => Vec::new(),
        }
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let signature = self.sign(algorithm, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn set(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let curve = |pair: &EcdsaKeyPair, name: &str, kid: &str| {
            let (x, y) = pair.public_key().as_ref()[1..]
                .split_at((pair.public_key().as_ref().len() - 1) / 2);
            json!({"kty": "EC", "crv": name, "kid": kid, "use": "sig", "x": text(x), "y": text(y)})
        };
        let rsa = signature::RsaPublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        json!({"keys": [
            {"kty": "RSA", "kid": "rsa", "n": text(&rsa.n), "e": text(&rsa.e)},
            {"kty": "RSA", "kid": "rs256", "alg": "RS256", "n": text(&rsa.n), "e": text(&rsa.e)},
            {"kty": "RSA", "kid": "enc", "use": "enc", "n": text(&rsa.n), "e": text(&rsa.e)},
            curve(&self.p256, "P-256", "p256"),
            curve(&self.p384, "P-384", "p384"),
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "key_ops": ["verify"],
             "x": text(self.ed25519.public_key().as_ref())},
            {"kty": "oct", "kid": "oct", "k": text(SECRET)},
            {"kty": "AKP", "kid": "to come", "alg": "ML-DSA-44", "pub": "AA"},
        ]})
    }
}

fn issuers(signers: &Signers) -> Issuers {
    let issuer = |name: &str| Issuer {
        name: name.to_owned(),
        issuer: format!("https://{name}.example.com/"),
        keys: KeySource::File("x".into()),
        ca_file: None,
        algorithms: None,
        roles: "realm.roles".to_owned(),
        tenant: None,
        subject: "sub".to_owned(),
        leeway: std::time::Duration::from_secs(30),
    };
    let tenants = Issuer {
        tenant: Some("org".to_owned()),
        subject: "https://a.b/name".to_owned(),
        algorithms: Some(vec![Algorithm::Es256]),
        ..issuer("tenants")
    };
    let known = vec![issuer("public"), issuer("secret"), tenants, issuer("away")];
    let issuers = Issuers::new(Auth {
        audience: vec!["https://data".to_owned(), "mobile".to_owned()],
        issuers: known,
    });
    let set = signers.set().to_string();
    issuers.learn(0, KeySet::read(set.as_bytes()).unwrap());
    issuers.learn(1, KeySet::of_secret(&[SECRET, b"\r\n"].concat()).unwrap());
    issuers.learn(2, KeySet::read(set.as_bytes()).unwrap());
    issuers
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "changes are written where they are made"
)]
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "https://public.example.com/", "aud": "https://data", "sub": "ada", "exp": NOW + 60,
        "iat": NOW, "scope": "openid gantry:write", "realm": {"roles": ["editor", "Not One", "anyone"]},
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn ada() -> Principal {
    Principal {
        id: "public:ada".to_owned(),
        roles: vec!["editor".to_owned()],
        tenant: None,
        scopes: Some(vec![Scope::Write]),
        until: Some(NOW + 60),
    }
}

#[test]
fn a_token_of_each_algorithm_is_good() {
    let signers = Signers::new();
    let issuers = issuers(&signers);
    for (algorithm, kid) in [
        ("RS256", json!("rsa")),
        ("RS384", json!("rsa")),
        ("RS512", json!("rsa")),
        ("PS256", json!("rsa")),
        ("PS384", json!("rsa")),
        ("PS512", json!("rsa")),
        ("RS256", json!("rs256")),
        ("ES256", json!("p256")),
        ("ES384", json!("p384")),
        ("EdDSA", json!("ed")),
        ("Ed25519", json!("ed")),
    ] {
        for typ in ["JWT", "at+jwt", "application/at+JWT"] {
            let header = json!({"alg": algorithm, "kid": kid, "typ": typ});
            let token = signers.token(&header, &claims(json!({})));
            assert_eq!(issuers.verify(&token, NOW), Ok(ada()), "{header}");
        }
        // Who names no key is tried with each.
        let token = signers.token(&json!({"alg": algorithm}), &claims(json!({})));
        assert_eq!(issuers.verify(&token, NOW), Ok(ada()), "{algorithm}");
    }
    for algorithm in ["HS256", "HS384", "HS512"] {
        let claims = claims(json!({"iss": "https://secret.example.com/"}));
        for header in [
            json!({"alg": algorithm}),
            json!({"alg": algorithm, "kid": "x"}),
        ] {
            let verified = issuers.verify(&signers.token(&header, &claims), NOW);
            assert_eq!(verified.unwrap().id, "secret:ada", "{header}");
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
#[test]
fn a_token_with_one_thing_wrong_is_refused() {
    let signers = Signers::new();
    let issuers = issuers(&signers);
    let good = json!({"alg": "ES256", "kid": "p256"});
    let padding = "x".repeat(8 << 10);
    for (header, changes, expected) in [
        (&good, json!({"exp": NOW - 31}), Refused::Expired),
        (&good, json!({"exp": null}), Refused::Claim("exp")),
        (&good, json!({"exp": "tomorrow"}), Refused::Claim("exp")),
        (&good, json!({"exp": -1}), Refused::Claim("exp")),
        (&good, json!({"nbf": NOW + 31}), Refused::NotYet),
        (&good, json!({"nbf": []}), Refused::Claim("nbf")),
        (&good, json!({"iat": NOW + 31}), Refused::NotYet),
        (&good, json!({"aud": null}), Refused::Audience),
        (&good, json!({"aud": "https://data/"}), Refused::Audience),
        (&good, json!({"aud": ["https://other"]}), Refused::Audience),
        (
            &good,
            json!({"aud": "https://data mobile"}),
            Refused::Audience,
        ),
        (&good, json!({"aud": {"mobile": 1}}), Refused::Audience),
        (&good, json!({"iss": null}), Refused::Issuer),
        (
            &good,
            json!({"iss": "https://public.example.com"}),
            Refused::Issuer,
        ),
        (
            &good,
            json!({"iss": "https://away.example.com/"}),
            Refused::NoKeys(3),
        ),
        (&good, json!({"sub": null}), Refused::Claim("subject")),
        (&good, json!({"sub": ""}), Refused::Claim("subject")),
        (&good, json!({"sub": "a\n"}), Refused::Claim("subject")),
        (&good, json!({"sub": 7}), Refused::Claim("subject")),
        (&good, json!({"more": padding}), Refused::TooLong),
        (&json!({"alg": "none"}), json!({}), Refused::Algorithm),
        (
            &json!({"alg": "None", "kid": "p256"}),
            json!({}),
            Refused::Algorithm,
        ),
        (
            &json!({"alg": "ES512", "kid": "p256"}),
            json!({}),
            Refused::Algorithm,
        ),
        (
            &json!({"kid": "p256"}),
            json!({}),
            Refused::Malformed("header"),
        ),
        (
            &json!({"alg": "ES256", "kid": 1}),
            json!({}),
            Refused::Malformed("header"),
        ),
        (
            &json!({"alg": "ES256", "kid": "none"}),
            json!({}),
            Refused::Key(0),
        ),
        (
            &json!({"alg": "ES256", "kid": "p384"}),
            json!({}),
            Refused::Algorithm,
        ),
        (
            &json!({"alg": "RS256", "kid": "p256"}),
            json!({}),
            Refused::Algorithm,
        ),
        (
            &json!({"alg": "RS512", "kid": "rs256"}),
            json!({}),
            Refused::Algorithm,
        ),
        (
            &json!({"alg": "RS256", "kid": "enc"}),
            json!({}),
            Refused::Key(0),
        ),
        (
            &json!({"alg": "HS256", "kid": "oct"}),
            json!({}),
            Refused::Key(0),
        ),
        (
            &json!({"alg": "ES256", "crit": ["exp"], "exp": 1}),
            json!({}),
            Refused::Critical,
        ),
        (
            &json!({"alg": "ES256", "crit": []}),
            json!({}),
            Refused::Critical,
        ),
        (
            &json!({"alg": "ES256", "typ": "logout+jwt"}),
            json!({}),
            Refused::Kind,
        ),
    ] {
        let token = signers.token(header, &claims(changes.clone()));
        assert_eq!(
            issuers.verify(&token, NOW),
            Err(expected),
            "{header} {changes}"
        );
    }
}

#[test]
fn a_clock_may_be_off_by_the_leeway() {
    let signers = Signers::new();
    let issuers = issuers(&signers);
    for changes in [
        json!({"exp": NOW - 29}),
        json!({"nbf": NOW + 30, "iat": NOW + 30}),
        json!({"exp": 2_000_000_000.5}),
    ] {
        let token = signers.token(&json!({"alg": "EdDSA"}), &claims(changes.clone()));
        assert!(issuers.verify(&token, NOW).is_ok(), "{changes}");
    }
}

/// The oldest trick: a public key, which everybody has, taken for a shared secret.
#[test]
fn what_is_signed_with_a_public_key_as_a_secret_is_refused() {
    let signers = Signers::new();
    let issuers = issuers(&signers);
    let set = signers.set();
    let public = [
        set.to_string().into_bytes(),
        set["keys"][0].to_string().into_bytes(),
        URL_SAFE_NO_PAD
            .decode(set["keys"][0]["n"].as_str().unwrap())
            .unwrap(),
        signers.p256.public_key().as_ref().to_vec(),
    ];
    for (index, secret) in public.iter().enumerate() {
        for kid in ["rsa", "p256", "other"] {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let header = part(&json!({"alg": "HS256", "kid": kid}));
            let signed = format!("{header}.{}", part(&claims(json!({}))));
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            let mac = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
            let verified = issuers.verify(&format!("{signed}.{mac}"), NOW);
            let refused = verified.unwrap_err();
            let expected = matches!(refused, Refused::Algorithm | Refused::Key(0));
            assert!(expected, "{index} {kid} {refused:?}");
        }
    }
}

#[test]
fn an_altered_token_is_refused() {
    let signers = Signers::new();
    let issuers = issuers(&signers);
    let token = signers.token(&json!({"alg": "ES256", "kid": "p256"}), &claims(json!({})));
    for at in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert!(issuers.verify(&altered, NOW).is_err(), "{at}");
    }
    let (signed, _) = token.rsplit_once('.').unwrap();
    for bad in [
        "",
        "..",
        "a.b.c",
        signed,
        &format!("{token}."),
        &format!("{signed}."),
        &token[1..],
    ] {
        assert!(issuers.verify(bad, NOW).is_err(), "{bad}");
    }
    // Another's signature, whole and good.
    let other = Signers::new().token(&json!({"alg": "ES256", "kid": "p256"}), &claims(json!({})));
    assert_eq!(issuers.verify(&other, NOW), Err(Refused::Signature));
}

#[test]
fn scopes_are_read_as_issuers_write_them() {
    let signers = Signers::new();
    let issuers = issuers(&signers);
    for (changes, expected) in [
        (json!({"scope": null}), vec![Scope::Read]),
        (json!({"scope": ""}), vec![]),
        (json!({"scope": "openid profile"}), vec![]),
        (json!({"scope": "gantry:writer"}), vec![]),
        (
            json!({"scope": "gantry:write openid gantry:read"}),
            vec![Scope::Read, Scope::Write],
        ),
        (json!({"scope": ["gantry:read"]}), vec![Scope::Read]),
        (
            json!({"scope": null, "scp": ["gantry:write"]}),
            vec![Scope::Write],
        ),
        (
            json!({"scope": null, "scp": "gantry:write"}),
            vec![Scope::Write],
        ),
        (json!({"scope": "", "scp": ["gantry:write"]}), vec![]),
    ] {
        let token = signers.token(&json!({"alg": "EdDSA"}), &claims(changes.clone()));
        let verified = issuers.verify(&token, NOW).unwrap();
        assert_eq!(verified.scopes, Some(expected), "{changes}");
    }
}

#[test]
fn roles_tenant_and_subject_are_where_the_project_says() {
    let signers = Signers::new();
    let issuers = issuers(&signers);
    let of = |changes: Value| {
        let mut claims = claims(changes);
        claims["iss"] = json!("https://tenants.example.com/");
        issuers.verify(&signers.token(&json!({"alg": "ES256"}), &claims), NOW)
    };
    let whole = json!({"https://a.b/name": "Ada Lovelace", "org": "acme", "aud": ["x", "mobile"],
        "realm.roles": "viewer editor viewer"});
    let principal = of(whole).unwrap();
    assert_eq!(principal.id, "tenants:Ada Lovelace");
    assert_eq!(principal.tenant.as_deref(), Some("acme"));
    assert_eq!(principal.roles, ["editor", "viewer"]);
    let no_tenant = of(json!({"https://a.b/name": "Ada"}));
    assert_eq!(no_tenant, Err(Refused::Claim("tenant")));
    assert_eq!(of(json!({"org": "acme"})), Err(Refused::Claim("subject")));
    for changes in [
        json!({"realm": null}),
        json!({"realm": {"roles": 7}}),
        json!({"realm": []}),
    ] {
        let token = signers.token(&json!({"alg": "EdDSA"}), &claims(changes));
        assert_eq!(issuers.verify(&token, NOW).unwrap().roles, [""; 0]);
    }
    // An algorithm that the keys allow and the project does not.
    let other = claims(json!({"iss": "https://tenants.example.com/"}));
    let token = signers.token(&json!({"alg": "EdDSA"}), &other);
    assert_eq!(issuers.verify(&token, NOW), Err(Refused::Algorithm));
}

#[test]
fn what_is_no_key_set_says_why() {
    let signers = Signers::new();
    let set = signers.set();
    let many = json!({"keys": vec![set["keys"][0].clone(); 101]});
    let hash = digest::digest(&digest::SHA256, b"x");
    let short = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(hash), "e": "AQAB"});
    for (text, expected) in [
        (String::new(), BadKeys::Form),
        ("<html>".to_owned(), BadKeys::Form),
        (r#"{"keys": 1}"#.to_owned(), BadKeys::Form),
        (r#"{"keys": []}"#.to_owned(), BadKeys::None),
        (
            json!({"keys": [set["keys"][2], set["keys"][6], 1]}).to_string(),
            BadKeys::None,
        ),
        (json!({"keys": [short]}).to_string(), BadKeys::None),
        (many.to_string(), BadKeys::TooMany),
    ] {
        assert_eq!(
            KeySet::read(text.as_bytes()).err(),
            Some(expected),
            "{text}"
        );
    }
    assert_eq!(
        KeySet::of_secret(&[b'x'; 31]).err(),
        Some(BadKeys::ShortSecret)
    );
}
