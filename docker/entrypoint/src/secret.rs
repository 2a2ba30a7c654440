//! A password: read from a file, shown to nobody.

use std::fs::File;
use std::io::Read as _;

use sha2::{Digest as _, Sha256};

use crate::Error;

/// More than any generated password, less than a file that was mounted by mistake.
const LONGEST: usize = 512;

pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn read(path: &str) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| {
            Error::Settings(format!(
                "the password's file {path} cannot be read ({error}): mount it as a secret, readable by this user"
            ))
        })?;
        let mut text = Vec::new();
        file.take(LONGEST as u64 + 3)
            .read_to_end(&mut text)
            .map_err(Error::io(format!("reading {path}")))?;
        Self::of(text).map_err(|why| Error::Settings(format!("the password in {path} {why}")))
    }

    fn of(text: Vec<u8>) -> Result<Self, &'static str> {
        let mut text = String::from_utf8(text).map_err(|_| "is not UTF-8")?;
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        match text.len() {
            0 => Err("is empty"),
            1..=LONGEST if text.contains(char::is_control) => {
                Err("holds a control character, such as a second line")
            }
            1..=LONGEST => Ok(Self(text)),
            _ => Err("is longer than 512 bytes"),
        }
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// As Redis keeps passwords in its ACL files.
    pub(crate) fn sha256(&self) -> String {
        hex(&Sha256::digest(self.0.as_bytes()))
    }

    /// A slow hash with a salt of its own, to see later whether the password is another one.
    pub(crate) fn mark(&self) -> Result<String, Error> {
        let mut salt = [0; 16];
        File::open("/dev/urandom")
            .and_then(|mut random| random.read_exact(&mut salt))
            .map_err(Error::io("reading /dev/urandom"))?;
        let salt = hex(&salt);
        Ok(format!("{salt}:{}", self.stretched(&salt)))
    }

    pub(crate) fn fits(&self, mark: &str) -> bool {
        mark.split_once(':')
            .is_some_and(|(salt, hash)| self.stretched(salt) == hash)
    }

    fn stretched(&self, salt: &str) -> String {
        let mut hash = Sha256::digest([salt.as_bytes(), self.0.as_bytes()].concat());
        for _ in 0..ROUNDS {
            hash = Sha256::new()
                .chain_update(hash)
                .chain_update(salt)
                .finalize();
        }
        hex(&hash)
    }
}

/// Some 10 ms at every start. The server keeps its own hash of the password beside this one, so it is not the weaker.
const ROUNDS: u32 = 20_000;

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_a_password() {
        let check = |text: &str, expected: Result<&str, &str>| {
            let read = Secret::of(text.into());
            let read = read.as_ref().map(Secret::reveal).map_err(|why| *why);
            assert_eq!(read, expected);
        };
        check("a b", Ok("a b"));
        check("ä\r\n", Ok("ä"));
        check("\n", Err("is empty"));
        check(
            "a\nb",
            Err("holds a control character, such as a second line"),
        );
        check(&"a".repeat(512), Ok(&"a".repeat(512)));
        check(&"a".repeat(513), Err("is longer than 512 bytes"));
    }

    #[test]
    fn a_mark_fits_only_its_password() {
        let one = Secret::of("one".into()).unwrap();
        let two = Secret::of("two".into()).unwrap();
        let mark = one.mark().unwrap();
        assert!(one.fits(&mark) && !two.fits(&mark) && !one.fits("") && !one.fits("x"));
        assert_eq!(
            one.sha256(),
            "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
        );
    }
}
