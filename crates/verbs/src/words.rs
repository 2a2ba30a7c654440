//! Numbers as people read them in a sentence.

/// `1 film`, `3,201 films`.
pub fn count(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(n))
}

/// `3,201`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        for (n, expected) in [
            (0, "0 films"),
            (1, "1 film"),
            (999, "999 films"),
            (3201, "3,201 films"),
            (1_000_000, "1,000,000 films"),
        ] {
            assert_eq!(super::count(n, "film"), expected);
        }
    }
}
