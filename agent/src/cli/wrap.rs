//! PURE: pieces of a text that fit into so many columns of the screen. Words and punctuation are where it is cut; an address, a prefix
//! or a number stays in one piece.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a text takes. Most is ASCII, of which that is known at once.
pub(super) fn breadth(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// Pieces of at most `width` columns: cut at a space if there is one, else after punctuation, else where it must be. What is not
/// to be broken is a piece of its own, however wide.
pub(super) fn wrap(text: &str, width: usize) -> Vec<&str> {
    let width = width.max(2);
    let mut pieces = Vec::new();
    let mut rest = text;
    // No character takes more columns than octets.
    while rest.len() > width && breadth(rest) > width {
        let mut used = 0;
        let fits = rest.char_indices().find(|(_, c)| {
            used += c.width().unwrap_or(0);
            used > width
        });
        let limit = fits.map_or(rest.len(), |(at, _)| at);
        let cut = cut(rest, limit);
        pieces.push(rest[..cut].trim_end_matches(' '));
        rest = rest[cut..].trim_start_matches(' ');
        if rest.is_empty() {
            return pieces;
        }
    }
    pieces.push(rest);
    pieces
}

/// Where a text is cut of which `limit` octets fit.
fn cut(text: &str, limit: usize) -> usize {
    let head = &text[..limit];
    if text[limit..].starts_with(' ') {
        return limit;
    }
    if let Some(space) = head.rfind(' ').filter(|at| *at > 0) {
        return space;
    }
    let marks = head.rmatch_indices(['-', '/', ',', ':', '.', '@']);
    let mark = marks
        .map(|(at, _)| at + 1)
        .take_while(|at| *at > limit / 2)
        .find(|at| solid_around(text, *at).is_none());
    if let Some(at) = mark.max(hump(head)).filter(|at| *at > limit / 2) {
        return at;
    }
    match solid_around(text, limit) {
        None => limit,
        Some((start, end)) => match start - opening(&text[..start]) {
            0 => end + closing(&text[end..]),
            start => start,
        },
    }
}

/// The longest that an address, a prefix or a number can be: an IPv6 prefix behind its route distinguisher.
const LONGEST_SOLID: usize = 64;

/// What addresses, prefixes, route distinguishers and numbers are made of.
fn is_solid_part(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b':' | b'.' | b'/' | b'%')
}

/// Whether such characters in a row are one of these, or could be.
fn is_solid(run: &[u8]) -> bool {
    run.len() <= LONGEST_SOLID && run.iter().any(|c| c.is_ascii_digit() || *c == b':')
}

/// The beginning and the end of what a cut here would break and must not.
fn solid_around(text: &str, at: usize) -> Option<(usize, usize)> {
    let (before, after) = text.as_bytes().split_at_checked(at)?;
    let back = before.iter().rev().take_while(|c| is_solid_part(c)).count();
    let on = after.iter().take_while(|c| is_solid_part(c)).count();
    let (start, end) = (at - back, at + on);
    (back > 0 && on > 0 && is_solid(&text.as_bytes()[start..end])).then_some((start, end))
}

/// The widest part of a text that is not broken.
pub(super) fn widest_solid(text: &str) -> usize {
    let runs = text.as_bytes().split(|octet| !is_solid_part(octet));
    let solid = runs.filter(|run| is_solid(run)).map(<[u8]>::len);
    solid.max().unwrap_or(0)
}

/// How much of the end of a text is punctuation that stays with what follows it.
fn opening(text: &str) -> usize {
    let marks = text.bytes().rev();
    marks
        .take_while(|c| matches!(c, b'(' | b'[' | b'{'))
        .count()
}

/// How much of a text is punctuation that stays with what it follows.
fn closing(text: &str) -> usize {
    let marks = text.bytes();
    marks
        .take_while(|c| matches!(c, b',' | b';' | b')' | b']' | b'}'))
        .count()
}

/// Where the last word of a name LikeThis begins.
fn hump(text: &str) -> Option<usize> {
    let mut last = None;
    let mut lower = false;
    for (at, c) in text.char_indices() {
        if lower && c.is_ascii_uppercase() {
            last = Some(at);
        }
        lower = c.is_ascii_lowercase();
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_prefers_spaces_then_punctuation() {
        let table: &[(&str, usize, &[&str])] = &[
            ("short", 10, &["short"]),
            ("", 10, &[""]),
            ("65001 65002 65003", 11, &["65001 65002", "65003"]),
            ("65001 65002 65003", 12, &["65001 65002", "65003"]),
            ("65001 65002 65003", 10, &["65001", "65002", "65003"]),
            ("leaf-switch-12", 8, &["leaf-", "switch-", "12"]),
            ("abcdefghij", 4, &["abcd", "efgh", "ij"]),
            ("2001:db8:1:2::/64", 10, &["2001:db8:1:2::/64"]),
            (
                "via fe80::a85b:a2ff:fee1:9b55%eth0, then 4294967295",
                8,
                &[
                    "via",
                    "fe80::a85b:a2ff:fee1:9b55%eth0,",
                    "then",
                    "4294967295",
                ],
            ),
            (
                "[2]:[65000:100]:[02:00:00:00:00:01]",
                12,
                &["[2]:", "[65000:100]:", "[02:00:00:00:00:01]"],
            ),
            ("(ConnectionRefused)", 16, &["(Connection", "Refused)"]),
            ("日本語", 4, &["日本", "語"]),
        ];
        for (text, width, wanted) in table {
            assert_eq!(wrap(text, *width), *wanted, "{text} in {width}");
        }
    }

    #[test]
    fn wrapping_loses_nothing() {
        let text = "a bb ccc-dddd/eeeee 2001:db8::1,fe80::1 ffffffffffffffffffffff";
        for width in 1..70 {
            let joined: String = wrap(text, width).concat();
            assert_eq!(joined.replace(' ', ""), text.replace(' ', ""), "{width}");
        }
    }
}
