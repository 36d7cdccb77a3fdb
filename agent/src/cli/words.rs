//! PURE: times, sizes and lists in words.

use jiff::Timestamp;
use serde_json::Value;

use crate::control::sessions::EventView;

/// A time in its two largest units: `45s`, `3m20s`, `5h02m`, `12d03h`.
pub fn time(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600, seconds / 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// Octets in a unit that people read.
pub fn size(octets: u64) -> String {
    let units = ["KiB", "MiB", "GiB"];
    if octets < 1024 {
        return format!("{octets} B");
    }
    let mut value = octets as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", units[unit])
}

/// A number with its thousands apart: `1,234,567`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A moment, in UTC, to the second.
pub fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// What happened, when, and how long ago.
pub fn event(event: &EventView) -> String {
    format!(
        "{} ({}, {} ago)",
        event.text,
        moment(event.at),
        time(event.seconds_ago)
    )
}

/// `yes` or `no`.
pub fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// A noun after its number: `1 route`, `2 routes`.
pub fn count(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// A field of JSON as people read it: without quotes and brackets.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => yes(*value).to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields
                .map(|(name, field)| format!("{} {}", name.replace('_', " "), self::value(field)));
            fields.collect::<Vec<_>>().join(", ")
        }
    }
}

/// The list, or a word for nothing.
pub fn list<T: AsRef<str>>(items: &[T], nothing: &str) -> String {
    match items {
        [] => nothing.to_owned(),
        items => items
            .iter()
            .map(AsRef::as_ref)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (seconds, wanted) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m00s"),
            (3_599, "59m59s"),
            (3_600, "1h00m"),
            (86_399, "23h59m"),
            (86_400, "1d00h"),
            (90_061, "1d01h"),
            (365 * 86_400, "365d00h"),
        ] {
            assert_eq!(time(seconds), wanted);
        }
    }

    #[test]
    fn fields_of_json_are_words() {
        let json = serde_json::json!({"labels": [16, 17], "gate_way": "10.0.0.1", "sticky": true});
        assert_eq!(value(&json), "gate way 10.0.0.1, labels 16, 17, sticky yes");
        assert_eq!(value(&Value::Null), "");
    }

    #[test]
    fn sizes_and_numbers() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(18 << 20), "18.0 MiB");
        assert_eq!(size(5 << 40), "5120.0 GiB");
        for (value, wanted) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(value), wanted);
        }
        assert_eq!(count(1, "route", "routes"), "1 route");
        assert_eq!(count(2_000, "route", "routes"), "2,000 routes");
    }
}
