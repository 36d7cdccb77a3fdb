//! Durations as manifests write them: `90s`, `1m30s`, `300ms`, `0`.

/// A duration in nanoseconds.
///
/// The grammar is that of Go's `time.ParseDuration`, which is what the API server reads: an optional sign, then
/// numbers each with a unit, or a bare `0`. `None` for any other text, and for more than 292 years.
pub(super) fn nanoseconds(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit: i64 = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole = if whole.is_empty() {
            0
        } else {
            whole.parse::<i64>().ok()?
        };
        total = total.checked_add(whole.checked_mul(unit)?)?;
        let mut scale = unit;
        for digit in fraction.bytes() {
            scale /= 10;
            total = total.checked_add(scale * i64::from(digit - b'0'))?;
        }
        rest = after;
    }
    Some(if negative { -total } else { total })
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let second = 1_000_000_000;
        for (text, expected) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("-0s", Some(0)),
            ("90s", Some(90 * second)),
            ("1m30s", Some(90 * second)),
            ("1h", Some(3600 * second)),
            ("1.5h", Some(5400 * second)),
            (".5s", Some(second / 2)),
            ("3500ms", Some(3_500_000_000)),
            ("2\u{b5}s", Some(2000)),
            ("-5s", Some(-5 * second)),
            ("+5s", Some(5 * second)),
            ("90", None),
            ("", None),
            ("s", None),
            (".s", None),
            ("-", None),
            ("1d", None),
            ("1s-5s", None),
            ("1e3s", None),
            ("99999999999999999999h", None),
            ("9999999999h", None),
            ("\u{3bc}", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text:?}");
        }
    }
}
