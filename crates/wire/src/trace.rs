//! W3C trace context: which request of a user's this call belongs to.

use std::fmt;
use std::str::FromStr;

/// The parts of `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    pub trace_id: u128,
    pub parent_id: u64,
    pub sampled: bool,
}

impl Trace {
    /// A new trace. UUIDv7 gives unique ids that sort by time; the random half is the parent.
    pub fn random() -> Self {
        let id = uuid::Uuid::now_v7().as_u128();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low half is the random half, and what is wanted"
        )]
        Self {
            trace_id: id,
            parent_id: (id as u64) | 1,
            sampled: false,
        }
    }

    /// That of a request, or a new one where it has none.
    pub fn of(headers: &http::HeaderMap) -> Self {
        let told = headers.get(crate::header::TRACEPARENT);
        let told = told.and_then(|value| value.to_str().ok()?.parse().ok());
        told.unwrap_or_else(Self::random)
    }

    /// 32 hex digits, as problems and logs show it.
    pub fn id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-", self.trace_id, self.parent_id)?;
        f.write_str(if self.sampled { "01" } else { "00" })
    }
}

impl FromStr for Trace {
    type Err = ();

    /// Reads a `traceparent`. What is malformed is no trace: the standard says to start a new one.
    fn from_str(text: &str) -> Result<Self, ()> {
        let hex = |part: &str, len: usize| {
            part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut parts = text.split('-');
        let (Some(version), Some(trace), Some(parent), Some(flags)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(());
        };
        if !hex(version, 2)
            || version == "ff"
            || !hex(trace, 32)
            || !hex(parent, 16)
            || !hex(flags, 2)
        {
            return Err(());
        }
        let trace_id = u128::from_str_radix(trace, 16).map_err(|_| ())?;
        let parent_id = u64::from_str_radix(parent, 16).map_err(|_| ())?;
        let flags = u8::from_str_radix(flags, 16).map_err(|_| ())?;
        if trace_id == 0 || parent_id == 0 {
            return Err(());
        }
        Ok(Self {
            trace_id,
            parent_id,
            sampled: flags & 1 == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_reads_back() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(text.parse::<Trace>().unwrap().to_string(), text);
        let trace = Trace::random();
        assert_eq!(trace.to_string().parse::<Trace>(), Ok(trace));
        for bad in [
            "",
            "00-0-0-0",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "x",
        ] {
            assert!(bad.parse::<Trace>().is_err(), "{bad}");
        }
    }
}
