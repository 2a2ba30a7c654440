//! A position as listeners get it: sealed, since its numbers would tell how much others write, and of no caller, since
//! who shows it sees only what their own rights admit.

use access::Signer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::Position;
use wire::{Code, Problem};

const SEAL: &str = "changes";
const PAD: &str = "changes pad";
const SEAL_LEN: usize = 32;
const LEN: usize = 16;

/// The seal of the numbers, and the numbers under a pad that is made of the seal: the same text for the same position.
pub(super) fn seal(signer: &Signer, position: Position) -> String {
    let mut numbers = [0; LEN];
    numbers[..8].copy_from_slice(&position.transaction.to_be_bytes());
    numbers[8..].copy_from_slice(&position.seq.to_be_bytes());
    let seal = signer.seal(SEAL, &numbers);
    let mut sealed = seal.to_vec();
    sealed.extend(padded(signer, &seal, numbers));
    URL_SAFE_NO_PAD.encode(sealed)
}

pub(super) fn open(signer: &Signer, text: &str) -> Result<Position, Problem> {
    read(signer, text).ok_or_else(|| {
        Problem::new(Code::InvalidCursor)
            .detail("the place to go on from was not told by this server, or was altered")
            .hint("listen without `since` and `Last-Event-ID`: changes are told from now on")
    })
}

fn read(signer: &Signer, text: &str) -> Option<Position> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (seal, numbers) = sealed.split_at_checked(SEAL_LEN)?;
    let numbers = padded(signer, seal, numbers.try_into().ok()?);
    if !signer.is_sealed(SEAL, &numbers, seal) {
        return None;
    }
    let (transaction, seq) = numbers.split_at(8);
    Some(Position {
        transaction: u64::from_be_bytes(transaction.try_into().ok()?),
        seq: i64::from_be_bytes(seq.try_into().ok()?),
    })
}

fn padded(signer: &Signer, seal: &[u8], mut numbers: [u8; LEN]) -> [u8; LEN] {
    for (number, pad) in numbers.iter_mut().zip(signer.seal(PAD, seal)) {
        *number ^= pad;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_and_no_other_text_does() {
        let signer = Signer::new([7; 32]);
        for (transaction, seq) in [(0, 0), (0, 1), (731, 12), (u64::MAX, i64::MAX)] {
            let position = Position { transaction, seq };
            let text = seal(&signer, position);
            assert_eq!(open(&signer, &text).unwrap(), position);
            let code = |text: &str| open(&signer, text).unwrap_err().code;
            for bad in [
                "",
                "x",
                "é",
                &text[1..],
                &text[..63],
                &format!("{text}AAAA"),
            ] {
                assert_eq!(code(bad), Code::InvalidCursor, "{bad}");
            }
            for at in 0..text.len() {
                let with = if &text[at..=at] == "A" { "B" } else { "A" };
                let altered = format!("{}{with}{}", &text[..at], &text[at + 1..]);
                assert_eq!(code(&altered), Code::InvalidCursor, "{altered}");
            }
        }
    }

    #[test]
    fn a_place_does_not_show_its_numbers() {
        let signer = Signer::new([7; 32]);
        let text = |seq| {
            seal(
                &signer,
                Position {
                    transaction: 9,
                    seq,
                },
            )
        };
        let same = |(one, two): &(char, char)| one == two;
        let (one, two) = (text(1), text(2));
        assert!(one.chars().zip(two.chars()).filter(same).count() < 16);
    }
}
