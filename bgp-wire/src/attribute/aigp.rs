//! AIGP (RFC 7311): the metric of the way inside of an administration, summed up over its ASes.

use std::fmt;

use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::error::{Disposition, Reason};
use crate::faults::{Faults, read_whole};
use crate::input::{Input, Malformed};

/// The type of the AIGP TLV and its length, which counts type and length too (RFC 7311 §3).
const AIGP: u8 = 1;
const AIGP_LENGTH: usize = 11;

/// The TLVs: type and what comes after the length. RFC 7311 §3: "a single octet encoding the TLV
/// type ... two octets encoding the TLV length", which is that of the whole.
fn tlvs(value: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (kind, content, after) = first(rest)?;
        rest = after;
        Some((kind, content))
    })
}

fn first(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [kind, high, low, rest @ ..] = octets else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(3)?;
    let (content, after) = rest.split_at_checked(length)?;
    Some((*kind, content, after))
}

/// The metric: that of the first AIGP TLV (RFC 7311 §3).
pub(super) fn metric(value: &[u8]) -> Option<u64> {
    let (_, content) = tlvs(value).find(|(kind, _)| *kind == AIGP)?;
    content.as_array().map(|eight| u64::from_be_bytes(*eight))
}

/// The value that says this metric.
pub(super) fn to_bytes(metric: u64) -> [u8; AIGP_LENGTH] {
    let [a, b, c, d, e, f, g, h] = metric.to_be_bytes();
    [AIGP, 0, 11, a, b, c, d, e, f, g, h]
}

/// RFC 7311 §3 for the lengths; TLVs of other types stay as they are. §3.2: "If an AIGP attribute is
/// received and its first AIGP TLV contains the maximum value 0xffffffffffffffff, the attribute SHOULD
/// be considered to be malformed and SHOULD be discarded".
pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    read_whole(value, Disposition::AttributeDiscard, faults, out)
}

pub(crate) fn each_fault<'a>(value: Input<'a>, _: &SessionContext, all: &mut Faults<'a>) {
    faults(value, &mut |fault| all.add(fault));
}

/// Says all that is wrong.
fn faults<'a>(value: Input<'a>, note: &mut dyn FnMut(Malformed<'a>)) {
    if value.is_empty() {
        note(Malformed::new(value, "AIGP", Reason::Length(0)));
    }
    let (mut rest, mut count) = (value, 0);
    while !rest.is_empty() {
        let Some((kind, content, after)) = first(rest) else {
            note(Malformed::new(rest, "AIGP TLV", Reason::Truncated));
            return;
        };
        let wrong = |reason| Malformed::new(rest, "AIGP TLV", reason);
        count += usize::from(kind == AIGP);
        match (kind, content.as_array()) {
            (AIGP, None) => note(wrong(Reason::Length(content.len() + 3))),
            (AIGP, Some(metric)) if count == 1 && u64::from_be_bytes(*metric) == u64::MAX => {
                note(wrong(Reason::Text("has the largest metric there is")));
            }
            // RFC 7311 §3: "it SHOULD contain no more than one AIGP TLV. However, if it contains more
            // than one AIGP TLV, only the first one is used".
            (AIGP, Some(_)) if count > 1 => {
                let unused = Reason::Odd("is not the first, which alone is used");
                note(wrong(unused).asking(Disposition::None));
            }
            _ => {}
        }
        rest = after;
    }
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match metric(value) {
        Some(metric) => write!(f, "aigp {metric}"),
        None => f.write_str("aigp"),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    if let Some(metric) = metric(value) {
        fields.number("metric", metric);
    }
    let mut used = false;
    let others =
        tlvs(value).filter(|(kind, _)| *kind != AIGP || std::mem::replace(&mut used, true));
    fields.list(
        "other_tlvs",
        others.map(|(kind, content)| {
            Node::fields(|fields| {
                fields.named("type", kind, (kind == AIGP).then_some("AIGP"));
                match (kind, content.as_array()) {
                    (AIGP, Some(eight)) => fields.number("metric", u64::from_be_bytes(*eight)),
                    _ => fields.octets("value", content),
                }
            })
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn;

    fn read_it(value: &[u8]) -> bool {
        let mut out = Vec::new();
        let result = read(value, &SessionContext::new(Asn(1), Asn(1)), &mut out);
        let good = result.is_ok() || result.is_err_and(|error| error.is_harmless());
        assert_eq!(out, if good { value } else { &[] });
        good
    }

    /// RFC 7311 §3, §3.2.
    #[test]
    fn lengths_count_the_whole() {
        let metric_of_9 = to_bytes(9);
        assert_eq!(metric_of_9, [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]);
        assert!(read_it(&metric_of_9));
        assert_eq!(metric(&metric_of_9), Some(9));
        let mut two = vec![7, 0, 4, 0xaa];
        two.extend(metric_of_9);
        two.extend(to_bytes(10));
        assert!(read_it(&two));
        assert_eq!(metric(&two), Some(9), "the first counts");
        assert!(read_it(&[7, 0, 3]));
        let largest = to_bytes(u64::MAX);
        assert!(!read_it(&largest));
        assert!(!read_it(&[&largest[..], &metric_of_9].concat()));
        assert!(read_it(&[&metric_of_9[..], &largest].concat()));
        for bad in [
            &[][..],
            &[1],
            &[1, 0],
            &[1, 0, 0],
            &[1, 0, 2],
            &[1, 0, 3],
            &[1, 0, 11, 0, 0, 0, 0, 0, 0, 0],
            &[1, 0, 12, 0, 0, 0, 0, 0, 0, 0, 9, 9],
            &[7, 0, 4],
        ] {
            assert!(!read_it(bad), "{bad:?}");
        }
    }
}
