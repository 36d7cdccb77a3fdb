//! Regular expressions on what routers print: AS paths and communities.
//!
//! They are the linear ones of the `regex` crate, of bounded size, with one sign more: `_`, which on routers stands for what is
//! between two AS numbers, or before the first or behind the last.

use std::borrow::Cow;
use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

/// The most octets that a compiled expression may need. What can be written in 256 signs and needs more repeats much.
const MOST: usize = 256 * 1024;

/// What `_` stands for: a space, the signs around sets and confederations, the comma within sets, the start and the end.
const BETWEEN: &str = "(?:^|$|[ ,{}()\\[\\]])";

/// See the top of this file.
#[derive(Clone)]
pub struct Expression {
    written: Box<str>,
    compiled: Regex,
}

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{written}` is no regular expression that can be used: {why}")]
pub struct ExpressionError {
    written: Box<str>,
    why: Box<str>,
}

impl Expression {
    /// On an AS path; `whole` when it must describe all of it.
    pub fn on_as_path(written: &str, whole: bool) -> Result<Self, ExpressionError> {
        let pattern = spell_out(written);
        let part = Self::compile(written, &pattern)?;
        match whole {
            // Only once it is well-formed by itself: brackets around it could make it so.
            true => Self::compile(written, &format!("^(?:{pattern})$")),
            false => Ok(part),
        }
    }

    /// On a community as it is printed.
    pub fn on_community(written: &str) -> Result<Self, ExpressionError> {
        Self::compile(written, written)
    }

    fn compile(written: &str, pattern: &str) -> Result<Self, ExpressionError> {
        let built = RegexBuilder::new(pattern)
            .unicode(false)
            .size_limit(MOST)
            .dfa_size_limit(MOST)
            .build();
        match built {
            Ok(compiled) => Ok(Self {
                written: written.into(),
                compiled,
            }),
            Err(error) => Err(ExpressionError {
                written: written.into(),
                why: reason(&error),
            }),
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.written
    }

    /// Whether the text is described.
    pub fn describes(&self, text: &str) -> bool {
        self.compiled.is_match(text.as_bytes())
    }
}

/// What is wrong, in one line.
fn reason(error: &regex::Error) -> Box<str> {
    match error {
        regex::Error::CompiledTooBig(_) => {
            "it repeats too much and would need too much memory".into()
        }
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).into()
        }
    }
}

/// The pattern with `_` spelt out, where it is not taken for itself: behind a backslash or in brackets, which may be within
/// brackets; a bracket that closes is one of the signs when it is the first of them.
fn spell_out(written: &str) -> Cow<'_, str> {
    if !written.contains('_') {
        return Cow::Borrowed(written);
    }
    let mut spelt = String::with_capacity(written.len() + BETWEEN.len());
    let mut depth = 0u32;
    let (mut escaped, mut first) = (false, false);
    for sign in written.chars() {
        match sign {
            '_' if !escaped && depth == 0 => spelt.push_str(BETWEEN),
            _ => spelt.push(sign),
        }
        let opened = sign == '[' && !escaped;
        match sign {
            '[' if !escaped => depth += 1,
            ']' if !escaped && !first => depth = depth.saturating_sub(1),
            _ => {}
        }
        first = opened || first && sign == '^';
        escaped = sign == '\\' && !escaped;
    }
    Cow::Owned(spelt)
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.written)
    }
}

/// By what is written.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.compiled.as_str() == other.compiled.as_str()
    }
}

impl Eq for Expression {}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the manuals of the routers that have the sign.
    #[test]
    fn an_underscore_is_what_is_between_two_numbers() {
        for (pattern, path, found) in [
            ("_65001_", "65001", true),
            ("_65001_", "65000 65001 65002", true),
            ("_65001_", "165001", false),
            ("_65001_", "65001{65002}", true),
            ("_65001_", "65000 {65001,65002}", true),
            ("_65001_", "65000 (65001)", true),
            ("^65001_", "65001 65002", true),
            ("^65001_", "650011", false),
            ("_65002$", "65001 65002", true),
            ("^$", "", true),
            ("^$", "65001", false),
            ("^65001( 65001)*$", "65001 65001", true),
            ("^[0-9]+$", "65001", true),
            ("^[0-9_]+$", "65001 65002", false),
            (r"a\_b", "a_b", true),
            ("[[:digit:]_]x", "_x", true),
            ("[[:digit:]_]x", " x", false),
            ("[]_]x", "_x", true),
            ("[]_]x", " x", false),
            ("[^]_]x", "_x", false),
            ("[^]_]x", " x", true),
            (r"[\]_]x", " x", false),
            (".*", "", true),
        ] {
            let expression = Expression::on_as_path(pattern, false).unwrap();
            assert_eq!(expression.describes(path), found, "{pattern} on {path:?}");
        }
    }

    #[test]
    fn a_whole_path_is_described_or_not() {
        let whole = Expression::on_as_path("65001|65002", true).unwrap();
        assert!(whole.describes("65001") && whole.describes("65002"));
        assert!(!whole.describes("65001 65002") && !whole.describes("165001"));
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (pattern, why) in [
            ("(65001", "unclosed group"),
            ("[", "unclosed character class"),
            ("1)|(?:2", "unopened group"),
            (r"(65001)\1", "backreferences are not supported"),
            (
                "((a{1000}){1000}){1000}",
                "it repeats too much and would need too much memory",
            ),
        ] {
            let said = format!("`{pattern}` is no regular expression that can be used: {why}");
            for whole in [false, true] {
                let error = Expression::on_as_path(pattern, whole).unwrap_err();
                assert_eq!(error.to_string(), said);
            }
        }
    }

    /// Expressions that take other engines exponential time.
    #[test]
    fn a_long_path_takes_no_longer_than_its_length() {
        let evil = Expression::on_as_path("^(([0-9]+)+ ?)+x$", false).unwrap();
        assert!(!evil.describes(&"65001 ".repeat(4096)));
    }
}
