//! The custom resource definitions as Kubernetes gets them.
//!
//! What the derives give is put into the form that the API server stores: optional fields are absent rather than
//! null, whole numbers are written as such, and the text is the one that people read with `kubectl explain`.
//! Validation reads the same values, so what is printed is what is checked.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Number, Value};

use crate::{BGPAdvertisement, BGPPeer, BGPPolicy, BGPRouter, BGPVRFInstance, VPC, VPCAttachment};

/// How a kind's definition is made.
type Make = fn() -> CustomResourceDefinition;

/// The seven kinds, in the order in which they are printed.
const KINDS: [(&str, Make); 7] = [
    ("BGPRouter", BGPRouter::crd),
    ("BGPPeer", BGPPeer::crd),
    ("BGPAdvertisement", BGPAdvertisement::crd),
    ("BGPPolicy", BGPPolicy::crd),
    ("BGPVRFInstance", BGPVRFInstance::crd),
    ("VPC", VPC::crd),
    ("VPCAttachment", VPCAttachment::crd),
];

/// The definition of one kind.
#[must_use]
pub fn definition(kind: &str) -> Option<Value> {
    let (_, make) = KINDS.into_iter().find(|(name, _)| *name == kind)?;
    let mut value = serde_json::to_value(make()).expect("a definition is plain data");
    tidy(&mut value);
    Some(value)
}

/// The definitions of all seven kinds, in the order in which they are printed.
#[must_use]
pub fn definitions() -> Vec<Value> {
    KINDS
        .into_iter()
        .filter_map(|(kind, _)| definition(kind))
        .collect()
}

/// All definitions as one stream of YAML documents.
#[must_use]
pub fn yaml() -> String {
    definitions()
        .iter()
        .map(|crd| format!("---\n{}", document(crd)))
        .collect()
}

fn document(crd: &Value) -> String {
    let mut text = serde_saphyr::to_string(crd).expect("a definition is plain data");
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Removes what the API server would not keep or would not say this way.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => {
            tidy_schema(object);
            object.values_mut().for_each(tidy);
        }
        Value::Array(array) => array.iter_mut().for_each(tidy),
        Value::Number(number) => {
            if let Some(whole) = whole(number) {
                *number = whole.into();
            }
        }
        _ => {}
    }
}

fn tidy_schema(object: &mut Map<String, Value>) {
    // An optional field may be left out; null is not a value of its own.
    if object.get("nullable").is_some_and(Value::is_boolean) {
        object.remove("nullable");
    }
    if object.get("title").is_some_and(Value::is_string) {
        object.remove("title");
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

fn whole(number: &Number) -> Option<i64> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    // Bounds of fields are well within the 53 bits that a float keeps exactly.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and small"
    )]
    (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
}
