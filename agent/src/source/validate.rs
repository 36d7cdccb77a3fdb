//! Whether a document is an object that the API server would take.
//!
//! The steps are the API server's: fields that the schema does not know are dropped, defaults are filled in, then
//! shape and CEL rules are checked, all by the definitions that [`crds::definitions`] gives and `cosmos crds`
//! prints. The one difference is in tone: a dropped field is reported, because a person wrote it.

use std::collections::HashMap;
use std::fmt;

use kube_cel::{CompiledSchema, ErrorKind, Validator, apply_defaults, compile_schema};
use serde_json::Value;

use super::form::Patterns;
use super::structure::{self, Fault, Gravity, check, prune};
use crate::desired::{Kind, Object, Severity, label_key, label_value};

/// What is wrong with a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The field, such as `spec.holdTime`; empty for the document as a whole.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Whether the object is refused; a warning only says that something was dropped.
    pub severity: Severity,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

/// What became of a document.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The object that it names, as `kind/name`, as far as it can be told.
    pub named: Option<String>,
    /// Its key, when it names an object of a kind that the agent reads.
    pub key: Option<crate::desired::ObjectKey>,
    /// The object, unless it is refused.
    pub object: Option<Object>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// The definitions, compiled as far as they have been needed.
///
/// Compiled rules take megabytes and manifests change rarely, so this is made for a reading and dropped after it.
#[derive(Default)]
pub struct Judge {
    validator: Validator,
    schemas: HashMap<Kind, Option<Schema>>,
    patterns: Patterns,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.schemas.keys()).finish()
    }
}

impl Judge {
    /// Judges one document of a manifest.
    #[must_use]
    pub fn admit(&mut self, document: Value) -> Verdict {
        let mut verdict = Verdict {
            named: None,
            key: None,
            object: None,
            findings: Vec::new(),
        };
        if let Some(kind) = identify(&document, &mut verdict) {
            self.admit_kind(kind, document, &mut verdict);
        }
        verdict
    }

    fn admit_kind(&mut self, kind: Kind, mut document: Value, verdict: &mut Verdict) {
        if let Some(object) = document.as_object_mut() {
            // The status belongs to the agent; what a manifest says of it does not count.
            object.remove("status");
        }
        let mut faults = Vec::new();
        metadata(kind, &mut document, &mut faults);
        if kind == Kind::Secret {
            secret(&document, &mut faults);
        }
        let schema = self.schemas.entry(kind).or_insert_with(|| Schema::of(kind));
        if let Some(schema) = schema {
            document = schema.admit(document, &self.validator, &mut self.patterns, &mut faults);
        }
        verdict.take(faults);
        if verdict
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Rejected)
        {
            return;
        }
        match Object::from_value(kind, document) {
            Ok(object) => verdict.object = Some(object),
            // The error may quote what it is about.
            Err(_) if kind == Kind::Secret => {
                verdict.refuse("", "is not a Secret: a field has a value of the wrong type");
            }
            Err(error) => verdict.refuse("", error.to_string()),
        }
    }
}

impl Verdict {
    fn take(&mut self, faults: Vec<Fault>) {
        self.findings
            .extend(faults.into_iter().map(|fault| Finding {
                field: fault.field,
                message: fault.message,
                severity: match fault.gravity {
                    Gravity::Dropped => Severity::Warning,
                    Gravity::Refused | Gravity::Shapeless => Severity::Rejected,
                },
            }));
    }

    fn refuse(&mut self, field: &str, message: impl Into<String>) {
        self.findings.push(Finding {
            field: field.to_owned(),
            message: message.into(),
            severity: Severity::Rejected,
        });
    }
}

/// Which object the document is about.
fn identify(document: &Value, verdict: &mut Verdict) -> Option<Kind> {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    if !document.is_object() {
        verdict.refuse(
            "",
            "is not an object; begin with apiVersion, kind, metadata and spec",
        );
        return None;
    }
    let (Some(api_version), Some(kind_name)) = (text("/apiVersion"), text("/kind")) else {
        for field in ["apiVersion", "kind"] {
            if document.get(field).and_then(Value::as_str).is_none() {
                verdict.refuse(field, "is missing, so it cannot be told what this is");
            }
        }
        return None;
    };
    let name = text("/metadata/name");
    verdict.named = Some(format!("{kind_name}/{}", name.unwrap_or("?")));
    let known = Kind::from_name(kind_name);
    let Some(kind) = known.filter(|kind| kind.api_version() == api_version) else {
        let message = match known {
            Some(kind) => format!(
                "{api_version} has no kind {kind_name} that is read here; use apiVersion {}",
                kind.api_version()
            ),
            None => {
                let kinds = Kind::ALL.map(Kind::name).join(", ");
                format!("{kind_name} ({api_version}) is not read here; the kinds are {kinds}")
            }
        };
        verdict.refuse("kind", message);
        return None;
    };
    if let Some(name) = name {
        let namespace = text("/metadata/namespace").unwrap_or("default");
        let namespace = if kind.is_namespaced() { namespace } else { "" };
        let key = crate::desired::ObjectKey::new(kind, namespace, name);
        verdict.named = Some(key.to_string());
        verdict.key = Some(key);
    }
    Some(kind)
}

/// What can be in the metadata of an object.
const METADATA: [&str; 15] = [
    "annotations",
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "labels",
    "managedFields",
    "name",
    "namespace",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Names are checked as the API server does; the namespace is `default` unless given.
fn metadata(kind: Kind, document: &mut Value, faults: &mut Vec<Fault>) {
    if let Some(metadata) = document.get("metadata").and_then(Value::as_object) {
        let known = METADATA.map(|name| (name.to_owned(), Value::Null));
        let known = known.into_iter().collect();
        let unknown = metadata
            .keys()
            .filter(|name| !METADATA.contains(&name.as_str()));
        faults.extend(unknown.map(|name| Fault {
            field: format!("metadata.{name}"),
            message: structure::unknown(name, Some(&known)),
            gravity: Gravity::Dropped,
        }));
    }
    let mut refuse = |field: &str, message: &str| {
        faults.push(Fault {
            field: field.to_owned(),
            message: message.to_owned(),
            gravity: Gravity::Shapeless,
        });
    };
    let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) else {
        refuse("metadata.name", "is missing; every object needs a name");
        return;
    };
    match metadata.get("name") {
        Some(Value::String(name)) => {
            if !is_subdomain(name) {
                refuse(
                    "metadata.name",
                    "must be lower-case letters, digits, - and ., at most 253, and begin and end with a letter or digit",
                );
            }
        }
        Some(_) => refuse("metadata.name", "must be a text"),
        None => refuse("metadata.name", "is missing; every object needs a name"),
    }
    match metadata.get("namespace") {
        _ if !kind.is_namespaced() => {
            metadata.remove("namespace");
        }
        None | Some(Value::Null) => {
            metadata.insert("namespace".to_owned(), "default".into());
        }
        Some(Value::String(namespace)) if is_label(namespace) => {}
        Some(_) => refuse(
            "metadata.namespace",
            "must be lower-case letters, digits and -, at most 63, and begin and end with a letter or digit",
        ),
    }
    // What the API server fills in is ours to fill in.
    for owned in [
        "generation",
        "resourceVersion",
        "uid",
        "creationTimestamp",
        "managedFields",
        "selfLink",
    ] {
        metadata.remove(owned);
    }
    for map in ["labels", "annotations"] {
        match metadata.get(map) {
            None | Some(Value::Null) => {}
            Some(Value::Object(entries)) => {
                for (name, value) in entries {
                    let field = format!("metadata.{map}.{name}");
                    let fault = match value.as_str() {
                        None => Some("must be a text; put it in quotes"),
                        Some(text) if map == "labels" => {
                            label_key(name).or_else(|| label_value(text))
                        }
                        Some(_) => label_key(name),
                    };
                    if let Some(fault) = fault {
                        refuse(&field, fault);
                    }
                }
            }
            Some(_) => refuse(&format!("metadata.{map}"), "must be a mapping of texts"),
        }
    }
}

/// The shape of what a Secret holds, in words that never repeat it.
fn secret(document: &Value, faults: &mut Vec<Fault>) {
    let mut refuse = |field: String, message: &str| {
        faults.push(Fault {
            field,
            message: message.to_owned(),
            gravity: Gravity::Shapeless,
        });
    };
    for (field, right) in [
        (
            "data",
            "must be base64 text; write plain text under stringData",
        ),
        ("stringData", "must be a text; put it in quotes"),
    ] {
        match document.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(entries)) => {
                for (name, value) in entries {
                    let good = match value.as_str() {
                        Some(text) => field == "stringData" || is_base64(text),
                        None => false,
                    };
                    // A name may be a value that lost its key: `{hunter2}` for `{password: hunter2}`.
                    if !good && name == "password" {
                        refuse(format!("{field}.{name}"), right);
                    } else if !good {
                        refuse(field.to_owned(), &format!("each value {right}"));
                    }
                }
            }
            Some(_) => refuse(
                field.to_owned(),
                "must be a mapping, such as {password: ...}",
            ),
        }
    }
}

fn is_base64(text: &str) -> bool {
    serde_json::from_value::<k8s_openapi::ByteString>(text.into()).is_ok()
}

/// A DNS label, as names of namespaces are.
fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_word(name)
}

/// A DNS subdomain, as names of objects are.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_word)
}

fn is_word(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().all(|byte| inner(byte) || byte == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().last().is_some_and(inner)
}

/// The schema of one kind, with its rules compiled.
struct Schema {
    schema: Value,
    rules: CompiledSchema,
    /// What each rule says when it does not hold, for rules that cannot be evaluated at all.
    messages: HashMap<String, String>,
}

impl Schema {
    /// `None` for the kinds that Kubernetes defines itself.
    fn of(kind: Kind) -> Option<Self> {
        let definition = crds::definition(kind.name())?;
        let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema")?;
        Some(Self::new(schema.clone()))
    }

    fn new(mut schema: Value) -> Self {
        // What surrounds the spec is the same for all kinds; the API server adds it to every schema.
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.remove("status");
            for field in ["apiVersion", "kind"] {
                properties.insert(field.to_owned(), serde_json::json!({"type": "string"}));
            }
            let open =
                serde_json::json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
            properties.insert("metadata".to_owned(), open);
        }
        let rules = compile_schema(&schema);
        let mut messages = HashMap::new();
        collect_messages(&schema, &mut messages);
        Self {
            schema,
            rules,
            messages,
        }
    }

    fn admit(
        &self,
        mut document: Value,
        validator: &Validator,
        patterns: &mut Patterns,
        faults: &mut Vec<Fault>,
    ) -> Value {
        prune(&self.schema, &mut document, "", faults);
        let document = apply_defaults(&self.schema, &document);
        check(&self.schema, &document, patterns, faults);
        // As in the API server: rules see only values of the right shape.
        if faults
            .iter()
            .any(|fault| fault.gravity == Gravity::Shapeless)
        {
            return document;
        }
        let broken = validator.validate_compiled(&self.rules, &document, None);
        for error in broken
            .err()
            .into_iter()
            .flat_map(kube_cel::ValidationErrors::into_vec)
        {
            let message = match (error.kind, self.messages.get(&error.rule)) {
                (ErrorKind::ValidationFailure, _) | (_, None) => error.message,
                (_, Some(message)) => message.clone(),
            };
            faults.push(Fault {
                field: error.field_path,
                message,
                gravity: Gravity::Refused,
            });
        }
        document
    }
}

fn collect_messages(schema: &Value, messages: &mut HashMap<String, String>) {
    match schema {
        Value::Object(object) => {
            let rules = object
                .get("x-kubernetes-validations")
                .and_then(Value::as_array);
            for rule in rules.into_iter().flatten() {
                if let (Some(rule), Some(message)) = (
                    rule.get("rule").and_then(Value::as_str),
                    rule.get("message").and_then(Value::as_str),
                ) {
                    messages.insert(rule.to_owned(), message.to_owned());
                }
            }
            object
                .values()
                .for_each(|inner| collect_messages(inner, messages));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|inner| collect_messages(inner, messages)),
        _ => {}
    }
}
