//! API keys: `gk_<id>_<secret>`. The id is public and finds the row; of the secret only a hash is kept.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const ID_LEN: usize = 12;
const SECRET_LEN: usize = 40;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new key. The token is shown once and not kept.
pub struct Minted {
    pub token: String,
    pub id: String,
    pub hash: [u8; 32],
}

/// 71 and 238 random bits.
pub fn mint() -> Result<Minted, getrandom::Error> {
    let id = random(ID_LEN)?;
    let secret = random(SECRET_LEN)?;
    Ok(Minted {
        token: format!("gk_{id}_{secret}"),
        hash: hash(&secret),
        id,
    })
}

/// The id, and the hash of the secret; `None` where the text is no token.
pub fn split(token: &str) -> Option<(&str, [u8; 32])> {
    let (id, secret) = token.strip_prefix("gk_")?.split_once('_')?;
    let is_word =
        |word: &str, len| word.len() == len && word.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_word(id, ID_LEN) && is_word(secret, SECRET_LEN)).then(|| (id, hash(secret)))
}

/// In constant time.
pub fn matches(one: &[u8; 32], two: &[u8; 32]) -> bool {
    one.ct_eq(two).into()
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Letters and digits, each equally likely: bytes beyond the last whole multiple of 62 are drawn again.
pub fn random(len: usize) -> Result<String, getrandom::Error> {
    let mut text = String::with_capacity(len);
    while text.len() < len {
        let mut byte = [0];
        getrandom::fill(&mut byte)?;
        if byte[0] < 248 {
            text.push(char::from(ALPHABET[usize::from(byte[0] % 62)]));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_finds_its_row_and_no_other_text_does() {
        let minted = mint().unwrap();
        let (id, hash) = split(&minted.token).unwrap();
        assert_eq!(id, minted.id);
        assert!(matches(&hash, &minted.hash));
        let other = mint().unwrap();
        assert!(!matches(&split(&other.token).unwrap().1, &minted.hash));
        for bad in [
            "",
            "gk_",
            "gk_abc_def",
            &minted.token[1..],
            &minted.token[..50],
            &format!("{}x", minted.token),
        ] {
            assert!(split(bad).is_none(), "{bad}");
        }
    }
}
