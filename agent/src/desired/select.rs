//! Label selectors: which routers an object is bound to.

use std::collections::BTreeMap;

use crds::{LabelRequirement, RouterSelector};

/// Whether `labels` meet `selector`. An empty selector is met by all.
pub(super) fn matches(selector: &RouterSelector, labels: &BTreeMap<String, String>) -> bool {
    let equal = selector
        .match_labels
        .iter()
        .flatten()
        .all(|(key, value)| labels.get(key) == Some(value));
    equal
        && selector
            .match_expressions
            .iter()
            .flatten()
            .all(|term| meets(term, labels))
}

/// A missing label is not `In` any list, and `NotIn` every list.
fn meets(term: &LabelRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&term.key);
    let listed = || value.is_some_and(|value| term.values.iter().flatten().any(|v| v == value));
    match term.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

/// What is wrong with a selector: the field within it, and what would be right.
pub(super) fn faults(selector: &RouterSelector) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    for (key, value) in selector.match_labels.iter().flatten() {
        let field = format!("matchLabels.{key}");
        faults.extend(label_key(key).map(|fault| (field.clone(), fault.to_owned())));
        faults.extend(label_value(value).map(|fault| (field, format!("{value:?} {fault}"))));
    }
    for (index, term) in selector.match_expressions.iter().flatten().enumerate() {
        let field = format!("matchExpressions[{index}]");
        faults.extend(
            label_key(&term.key)
                .map(|fault| (format!("{field}.key"), format!("{:?} {fault}", term.key))),
        );
        for (n, value) in term.values.iter().flatten().enumerate() {
            faults.extend(
                label_value(value)
                    .map(|fault| (format!("{field}.values[{n}]"), format!("{value:?} {fault}"))),
            );
        }
        let values = term
            .values
            .as_ref()
            .is_some_and(|values| !values.is_empty());
        match (term.operator.as_str(), values) {
            ("In" | "NotIn", true) | ("Exists" | "DoesNotExist", false) => {}
            ("In" | "NotIn", false) => faults.push((
                format!("{field}.values"),
                format!("{} needs at least one value to compare with", term.operator),
            )),
            ("Exists" | "DoesNotExist", true) => faults.push((
                format!("{field}.values"),
                format!("{} takes no values; remove them", term.operator),
            )),
            (other, _) => faults.push((
                format!("{field}.operator"),
                format!("unknown operator {other:?}; use In, NotIn, Exists or DoesNotExist"),
            )),
        }
    }
    faults
}

/// What keeps `key` from being the key of a label or an annotation.
pub(crate) fn label_key(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let good_prefix = prefix.is_none_or(|prefix| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        prefix.len() <= 253 && prefix.split('.').all(|part| is_name(part, inner, b"-"))
    });
    let good = good_prefix && is_label_text(name);
    (!good).then_some(
        "cannot be a key; use at most 63 letters, digits, -, _ and ., between letters or digits, \
         perhaps with a domain and / before them",
    )
}

/// What keeps `value` from being the value of a label.
pub(crate) fn label_value(value: &str) -> Option<&'static str> {
    let good = value.is_empty() || is_label_text(value);
    (!good).then_some(
        "cannot be a value; use at most 63 letters, digits, -, _ and ., between letters or digits",
    )
}

fn is_label_text(text: &str) -> bool {
    text.len() <= 63 && is_name(text, |byte| byte.is_ascii_alphanumeric(), b"-_.")
}

/// Whether `text` is made of `inner` and `joints`, and begins and ends with `inner`.
fn is_name(text: &str, inner: impl Fn(u8) -> bool, joints: &[u8]) -> bool {
    text.bytes()
        .all(|byte| inner(byte) || joints.contains(&byte))
        && text.bytes().next().is_some_and(&inner)
        && text.bytes().last().is_some_and(&inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(yaml: &str) -> RouterSelector {
        serde_saphyr::from_str(yaml).expect("a selector")
    }

    #[test]
    fn selectors_match_as_kubernetes_says() {
        let labels: BTreeMap<String, String> = [("plane", "underlay"), ("pop", "")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        for (yaml, expected) in [
            ("{}", true),
            ("matchLabels: {plane: underlay}", true),
            ("matchLabels: {plane: overlay}", false),
            ("matchLabels: {plane: underlay, other: x}", false),
            (
                "matchExpressions: [{key: plane, operator: In, values: [overlay, underlay]}]",
                true,
            ),
            (
                "matchExpressions: [{key: plane, operator: In, values: [overlay]}]",
                false,
            ),
            (
                "matchExpressions: [{key: missing, operator: In, values: [x]}]",
                false,
            ),
            (
                "matchExpressions: [{key: plane, operator: NotIn, values: [underlay]}]",
                false,
            ),
            (
                "matchExpressions: [{key: missing, operator: NotIn, values: [x]}]",
                true,
            ),
            ("matchExpressions: [{key: pop, operator: Exists}]", true),
            (
                "matchExpressions: [{key: missing, operator: Exists}]",
                false,
            ),
            (
                "matchExpressions: [{key: missing, operator: DoesNotExist}]",
                true,
            ),
            (
                "matchExpressions: [{key: pop, operator: DoesNotExist}]",
                false,
            ),
            (
                "{matchLabels: {plane: underlay}, matchExpressions: [{key: pop, operator: DoesNotExist}]}",
                false,
            ),
        ] {
            assert_eq!(matches(&selector(yaml), &labels), expected, "{yaml}");
        }
    }

    #[test]
    fn a_selector_that_means_nothing_is_a_fault() {
        for (yaml, field) in [
            (
                "matchExpressions: [{key: a, operator: Gt, values: ['1']}]",
                "matchExpressions[0].operator",
            ),
            (
                "matchExpressions: [{key: a, operator: In}]",
                "matchExpressions[0].values",
            ),
            (
                "matchExpressions: [{key: a, operator: Exists}, {key: a, operator: DoesNotExist, values: [x]}]",
                "matchExpressions[1].values",
            ),
            ("matchLabels: {'a b': x}", "matchLabels.a b"),
            ("matchLabels: {a: -x}", "matchLabels.a"),
            ("matchLabels: {a/b/c: x}", "matchLabels.a/b/c"),
            (
                "matchLabels: {Example.com/a: x}",
                "matchLabels.Example.com/a",
            ),
            (
                "matchExpressions: [{key: '', operator: Exists}]",
                "matchExpressions[0].key",
            ),
            (
                "matchExpressions: [{key: example.com/a_b.C, operator: In, values: ['', 'b c']}]",
                "matchExpressions[0].values[1]",
            ),
        ] {
            let faults = faults(&selector(yaml));
            assert_eq!(faults.len(), 1, "{yaml}");
            assert_eq!(faults[0].0, field, "{yaml}");
        }
    }
}
