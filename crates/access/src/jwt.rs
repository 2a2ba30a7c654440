//! Tokens of OAuth issuers (RFC 7519, RFC 9068): verified, then read as a principal. No IO.

mod claims;
mod issuers;
mod keys;
mod token;

#[cfg(test)]
mod tests;

pub use issuers::{Issuers, Standing};
pub use keys::{BadKeys, KeySet};

/// Why a token is none that is taken. For the log: callers are told no more than [`Refused::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is longer than {} bytes", token::MOST_BYTES)]
    TooLong,
    #[error("its {0} cannot be read")]
    Malformed(&'static str),
    #[error("its header says that something must be understood which is not")]
    Critical,
    #[error("its `typ` is that of another kind of token")]
    Kind,
    #[error("its `alg` is none that its issuer's keys allow")]
    Algorithm,
    #[error("its issuer is not one of ours")]
    Issuer,
    /// Of the issuer at this place, whose keys may be others by now.
    #[error("its issuer has no such key")]
    Key(usize),
    /// As yet, or no more.
    #[error("the keys of its issuer are not known")]
    NoKeys(usize),
    #[error("its signature is wrong")]
    Signature,
    #[error("it has expired")]
    Expired,
    #[error("its time has not come")]
    NotYet,
    #[error("it is for somebody else")]
    Audience,
    #[error("its {0} is missing or not of a form that is taken")]
    Claim(&'static str),
}

impl Refused {
    /// Enough for whoever holds a good token to get another; nothing for whoever tries to make one.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Expired => "the token has expired",
            Self::Audience => "the token is for another audience",
            _ => "the token is unknown",
        }
    }
}
