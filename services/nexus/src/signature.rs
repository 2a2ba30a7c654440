//! Signatures of webhooks: HMAC-SHA256 by a shared secret, in the two forms that senders write them. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;

/// Seconds by which a sender's clock may differ from ours, its way to us among them.
const TOLERANCE: u64 = 300;

/// What a file of secrets holds: a line each, any of which may sign, so that one can take the place of another.
pub(crate) struct Secrets(Vec<Secret>);

struct Secret {
    text: String,
    /// What `whsec_…` stands for, else the text.
    key: Vec<u8>,
}

/// Something signed came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The sender's name of it, the same when it is sent again.
    pub(crate) id: Option<String>,
}

impl Secrets {
    /// The error says what is wrong, and nothing of what is there.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<_> = lines.map(Secret::parse).collect::<Result<_, _>>()?;
        if secrets.is_empty() {
            return Err("it is empty");
        }
        Ok(Self(secrets))
    }

    /// The delivery, where the headers hold a good signature of the body. `now` in seconds since 1970.
    pub(crate) fn check(&self, headers: &HeaderMap, body: &[u8], now: u64) -> Option<Delivery> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        if let Some(signatures) = text("webhook-signature") {
            let (id, timestamp) = (text("webhook-id")?, text("webhook-timestamp")?);
            let is_signed = self.standard((id, timestamp), body, signatures, now);
            let id = Some(id.to_owned());
            return is_signed.then_some(Delivery { id });
        }
        let signature = text("x-hub-signature-256")?.strip_prefix("sha256=")?;
        let signature = from_hex(signature)?;
        let is_signed = any(&self.0, |secret| {
            mac(secret.text.as_bytes(), &[body])
                .verify_slice(&signature)
                .is_ok()
        });
        let id = text("x-github-delivery").map(str::to_owned);
        is_signed.then_some(Delivery { id })
    }

    /// By <https://www.standardwebhooks.com>: the name and the time are signed with the body.
    fn standard(
        &self,
        (id, timestamp): (&str, &str),
        body: &[u8],
        signatures: &str,
        now: u64,
    ) -> bool {
        let is_fresh = |at: u64| at.abs_diff(now) <= TOLERANCE;
        if !timestamp.parse().is_ok_and(is_fresh) {
            return false;
        }
        let encoded = signatures
            .split(' ')
            .filter_map(|signature| signature.strip_prefix("v1,"));
        let signatures: Vec<_> = encoded
            .filter_map(|text| STANDARD.decode(text).ok())
            .collect();
        any(&self.0, |secret| {
            let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
            let mac = mac(&secret.key, &signed);
            any(&signatures, |signature| {
                mac.clone().verify_slice(signature).is_ok()
            })
        })
    }
}

impl Secret {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let key = match line.strip_prefix("whsec_") {
            None => line.as_bytes().to_vec(),
            Some(encoded) => {
                let decoded = STANDARD.decode(encoded);
                decoded.map_err(|_| "what stands behind whsec_ is no base64")?
            }
        };
        let text = line.to_owned();
        Ok(Self { text, key })
    }
}

/// All are looked at, so that the time that it takes tells nothing.
fn any<T>(items: &[T], holds: impl Fn(&T) -> bool) -> bool {
    items.iter().fold(false, |found, item| found | holds(item))
}

fn mac(key: &[u8], signed: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in signed {
        mac.update(part);
    }
    mac
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits?;
    let (pairs, rest) = pairs.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let byte = |pair: &[u32; 2]| u8::try_from(pair[0] * 16 + pair[1]).ok();
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The examples of both specifications.
    const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const STANDARD_BODY: &str = "{\"test\": 2432232314}";
    const GITHUB_SECRET: &str = "It's a Secret to Everybody";

    fn check(secret: &str, headers: &[(&'static str, &str)], body: &str, now: u64) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let secrets = Secrets::parse(secret).unwrap_or_else(|why| panic!("{why}"));
        match secrets.check(&map, body.as_bytes(), now) {
            None => "no".to_owned(),
            Some(Delivery { id }) => id.unwrap_or_else(|| "unnamed".to_owned()),
        }
    }

    #[test]
    fn the_standards_example_is_good() {
        const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let other = format!("v1a,xyz v1,AAAA {GOOD}");
        let both = format!("another\n\n{STANDARD_SECRET}\n");
        let now = 1_614_265_330;
        for (secret, signature, body, now, expected) in [
            (STANDARD_SECRET, GOOD, STANDARD_BODY, now, "msg_1"),
            (STANDARD_SECRET, &other, STANDARD_BODY, now + 300, "msg_1"),
            (&both, GOOD, STANDARD_BODY, now - 300, "msg_1"),
            (STANDARD_SECRET, GOOD, STANDARD_BODY, now + 301, "no"),
            (STANDARD_SECRET, GOOD, STANDARD_BODY, now - 301, "no"),
            (STANDARD_SECRET, GOOD, "{}", now, "no"),
            (STANDARD_SECRET, &GOOD[3..], STANDARD_BODY, now, "no"),
            (STANDARD_SECRET, "v1,", STANDARD_BODY, now, "no"),
            (
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                GOOD,
                STANDARD_BODY,
                now,
                "no",
            ),
        ] {
            let headers = [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", "1614265330"),
                ("webhook-signature", signature),
            ];
            let told = check(secret, &headers, body, now);
            let told = told.replace("msg_p5jXN8AQM9LWM0D4loKWxJek", "msg_1");
            assert_eq!(told, expected, "{secret} {signature} {body} {now}");
        }
        let unnamed = [
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", GOOD),
        ];
        assert_eq!(check(STANDARD_SECRET, &unnamed, STANDARD_BODY, now), "no");
    }

    #[test]
    fn githubs_example_is_good() {
        const GOOD: &str =
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        const NAME: &str = "x-hub-signature-256";
        let named = ("x-github-delivery", "d1");
        for (secret, headers, body, expected) in [
            (
                GITHUB_SECRET,
                &[(NAME, GOOD)][..],
                "Hello, World!",
                "unnamed",
            ),
            (GITHUB_SECRET, &[(NAME, GOOD), named], "Hello, World!", "d1"),
            (GITHUB_SECRET, &[(NAME, GOOD), named], "Hello, World", "no"),
            ("It's", &[(NAME, GOOD)], "Hello, World!", "no"),
            (GITHUB_SECRET, &[(NAME, &GOOD[7..])], "Hello, World!", "no"),
            (GITHUB_SECRET, &[(NAME, "sha256=7")], "Hello, World!", "no"),
            (GITHUB_SECRET, &[(NAME, "sha256=")], "Hello, World!", "no"),
            (GITHUB_SECRET, &[named], "Hello, World!", "no"),
        ] {
            assert_eq!(check(secret, headers, body, 0), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_file_that_holds_no_secret_is_told() {
        for (text, expected) in [
            ("", "it is empty"),
            ("\n \n", "it is empty"),
            ("whsec_*", "what stands behind whsec_ is no base64"),
        ] {
            assert_eq!(Secrets::parse(text).err(), Some(expected), "{text:?}");
        }
    }
}
