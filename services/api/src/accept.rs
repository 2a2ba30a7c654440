//! `Accept` (RFC 9110, 12.5.1) against what is offered.

use http::{HeaderMap, header};
use wire::{Code, Media, Problem};

/// The best of `offered`, whose first is what is given to those who do not care.
pub(crate) fn negotiate(headers: &HeaderMap, offered: &[Media]) -> Result<Media, Problem> {
    let default = offered.first().copied().unwrap_or_default();
    let mut said = headers.get_all(header::ACCEPT).iter().peekable();
    if said.peek().is_none() {
        return Ok(default);
    }
    let ranges: Vec<Range> = said
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(Range::read)
        .collect();
    if ranges.is_empty() {
        return Ok(default);
    }
    let mut best: Option<(u16, Media)> = None;
    for media in offered {
        // The most specific range that fits says how welcome it is.
        let fitting = ranges
            .iter()
            .filter_map(|range| Some((range.fits(*media)?, range.quality)));
        let quality = fitting
            .max_by_key(|(specific, _)| *specific)
            .map_or(0, |(_, quality)| quality);
        if quality > best.map_or(0, |(quality, _)| quality) {
            best = Some((quality, *media));
        }
    }
    best.map(|(_, media)| media).ok_or_else(|| {
        let names: Vec<_> = offered.iter().map(|media| media.as_str()).collect();
        Problem::new(Code::NotAcceptable).detail(format!("offered here: {}", names.join(", ")))
    })
}

struct Range<'a> {
    kind: &'a str,
    subkind: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';');
        let (kind, subkind) = parts.next()?.trim().split_once('/')?;
        let mut quality = 1000;
        for part in parts {
            if let Some((name, value)) = part.split_once('=')
                && name.trim().eq_ignore_ascii_case("q")
            {
                let value: f32 = value.trim().parse().ok()?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "clamped to 0..=1000"
                )]
                let thousandths = (value.clamp(0.0, 1.0) * 1000.0) as u16;
                quality = thousandths;
            }
        }
        Some(Self {
            kind: kind.trim(),
            subkind: subkind.trim(),
            quality,
        })
    }

    /// How specific it is about this kind of content, where it admits it.
    fn fits(&self, media: Media) -> Option<u8> {
        let (kind, subkind) = media.as_str().split_once('/')?;
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        match (self.kind, self.subkind) {
            ("*", "*") => Some(0),
            (range, "*") if same(range, kind) => Some(1),
            (range, sub)
                if same(range, kind)
                    && (same(sub, subkind)
                        || (media == Media::JsonLines && same(sub, "jsonl"))) =>
            {
                Some(2)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_welcome_of_what_is_offered_is_given() {
        let cases = [
            ("*/*", Some(Media::Json)),
            ("application/json", Some(Media::Json)),
            ("text/csv", Some(Media::Csv)),
            ("Text/CSV;charset=utf-8", Some(Media::Csv)),
            (
                "application/x-ndjson, application/json;q=0.5",
                Some(Media::JsonLines),
            ),
            (
                "text/html,application/xhtml+xml,*/*;q=0.8",
                Some(Media::Json),
            ),
            ("application/json;q=0, */*", Some(Media::JsonLines)),
            ("text/*;q=0.3, application/json;q=0.2", Some(Media::Csv)),
            ("text/html", None),
            ("image/*;q=0.9", None),
            ("*/*;q=0", None),
            ("", Some(Media::Json)),
        ];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(header::ACCEPT, text.parse().unwrap())]);
            assert_eq!(negotiate(&headers, &Media::ALL).ok(), expected, "{text}");
        }
        assert_eq!(
            negotiate(&HeaderMap::new(), &Media::ALL).ok(),
            Some(Media::Json)
        );
    }
}
