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
    for (index, term) in selector.match_expressions.iter().flatten().enumerate() {
        let field = format!("matchExpressions[{index}]");
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
        ] {
            let faults = faults(&selector(yaml));
            assert_eq!(faults.len(), 1, "{yaml}");
            assert_eq!(faults[0].0, field, "{yaml}");
        }
    }
}
