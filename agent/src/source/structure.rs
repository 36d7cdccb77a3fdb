//! What a structural schema says about the shape of a value.
//!
//! This is the part of validation that is not CEL: types, required fields, bounds, enumerations, patterns, formats,
//! sets and keyed lists; and before it what the API server does to a value on the way in: fields that the schema
//! does not know are dropped, nulls that it does not allow count as left out. The schema is read as data, so that
//! the definitions stay the only place where a rule is written.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value};

use super::form::Patterns;

/// Something wrong at one place of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    /// The place, such as `spec.addressFamilies[0].afi`.
    pub(super) field: String,
    /// What is wrong, and what would be right.
    pub(super) message: String,
    /// What it means for the object.
    pub(super) gravity: Gravity,
}

/// What a fault means for the object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gravity {
    /// The value was put right by dropping a field; the rest stands.
    Dropped,
    /// The object is refused.
    Refused,
    /// The object is refused, and rules about it would only repeat what is said.
    Shapeless,
}

/// Drops what `schema` does not know. Each field that was there is a fault, so that a slip of the pen is seen.
pub(super) fn prune(schema: &Value, value: &mut Value, path: &str, faults: &mut Vec<Fault>) {
    match value {
        Value::Object(object) => {
            let known = schema.get("properties").and_then(Value::as_object);
            let others = schema
                .get("additionalProperties")
                .filter(|others| others.is_object());
            let keep_all =
                schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
            object.retain(|name, value| {
                let place = join(path, name);
                let inner = known.and_then(|known| known.get(name)).or(others);
                match inner {
                    Some(inner) if value.is_null() => {
                        inner.get("nullable") == Some(&Value::Bool(true))
                    }
                    Some(inner) => {
                        prune(inner, value, &place, faults);
                        true
                    }
                    None if keep_all => true,
                    None => {
                        // Where a secret belongs, a name may be one that lost its key: `{hunter2}` for `{password: hunter2}`.
                        let (field, message) = if is_secret(path) {
                            let known = known.into_iter().flat_map(Map::keys);
                            (path.to_owned(), unknown_here(known))
                        } else {
                            (place, unknown(name, known))
                        };
                        faults.push(Fault {
                            field,
                            message,
                            gravity: Gravity::Dropped,
                        });
                        false
                    }
                }
            });
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                for (index, item) in items.iter_mut().enumerate() {
                    prune(inner, item, &format!("{path}[{index}]"), faults);
                }
            }
        }
        _ => {}
    }
}

/// What to say of a field that there is not.
pub(super) fn unknown(name: &str, known: Option<&Map<String, Value>>) -> String {
    let folded = name.to_lowercase();
    let similar = known
        .into_iter()
        .flat_map(Map::keys)
        .map(|candidate| (distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min();
    match similar {
        Some((_, similar)) => {
            format!("there is no such field, so it has no effect; did you mean {similar}?")
        }
        None => "there is no such field, so it has no effect; remove it".to_owned(),
    }
}

/// As [`unknown`], without the name.
fn unknown_here<'a>(known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<&str> = known.map(String::as_str).collect();
    format!(
        "holds a field that does not exist and has no effect; what can be here is {}",
        known.join(", ")
    )
}

/// How many letters must change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Whether `value` has the shape that `schema` asks for.
pub(super) fn check(
    schema: &Value,
    value: &Value,
    patterns: &mut Patterns,
    faults: &mut Vec<Fault>,
) {
    Walk { patterns, faults }.value(schema, value, "", None);
}

struct Walk<'a> {
    patterns: &'a mut Patterns,
    faults: &'a mut Vec<Fault>,
}

impl Walk<'_> {
    fn fault(&mut self, path: &str, gravity: Gravity, message: String) {
        self.faults.push(Fault {
            field: path.to_owned(),
            message,
            gravity,
        });
    }

    /// `about` is the description of the nearest field, for what would be right.
    fn value(&mut self, schema: &Value, value: &Value, path: &str, about: Option<&str>) {
        let about = schema.get("description").and_then(Value::as_str).or(about);
        if value.is_null() && schema.get("nullable") == Some(&Value::Bool(true)) {
            return;
        }
        let kind = schema
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if let Some(wanted) = wrong_type(kind, value) {
            let mut message = format!("must be {wanted}, but is {}", shown(path, value));
            // What text it is, a type does not say.
            if let Some(about) = about.filter(|_| kind == "string") {
                message = format!("{message}; give it: {about}");
            }
            self.fault(path, Gravity::Shapeless, message);
            return;
        }
        if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            // A null counts as left out, and is nothing that anybody would write.
            let named = allowed.iter().filter(|value| !value.is_null());
            let allowed: Vec<String> = named.map(plain).collect();
            let message = format!(
                "{} is not possible; use one of {}",
                shown(path, value),
                allowed.join(", ")
            );
            self.fault(path, Gravity::Refused, message);
        }
        match value {
            Value::Object(object) => self.object(schema, object, path),
            Value::Array(items) => self.array(schema, items, path, about),
            Value::String(text) => self.string(schema, text, path, about),
            Value::Number(_) => self.number(schema, value, path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn object(&mut self, schema: &Value, object: &Map<String, Value>, path: &str) {
        let known = schema.get("properties").and_then(Value::as_object);
        for name in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let Some(name) = name.as_str().filter(|name| !object.contains_key(*name)) else {
                continue;
            };
            let about = known
                .and_then(|known| known.get(name)?.get("description")?.as_str())
                .unwrap_or("it must be set");
            self.fault(
                &join(path, name),
                Gravity::Shapeless,
                format!("is missing; give it: {about}"),
            );
        }
        self.size(
            schema,
            "minProperties",
            "maxProperties",
            object.len(),
            "entries",
            path,
        );
        let others = schema
            .get("additionalProperties")
            .filter(|others| others.is_object());
        for (name, value) in object {
            if let Some(inner) = known.and_then(|known| known.get(name)).or(others) {
                self.value(inner, value, &join(path, name), None);
            }
        }
    }

    fn array(&mut self, schema: &Value, items: &[Value], path: &str, about: Option<&str>) {
        self.size(schema, "minItems", "maxItems", items.len(), "entries", path);
        if let Some(inner) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(inner, item, &format!("{path}[{index}]"), about);
            }
        }
        let keys: Option<Vec<&str>> =
            match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
                Some("set") => None,
                Some("map") => schema
                    .get("x-kubernetes-list-map-keys")
                    .and_then(Value::as_array)
                    .map(|keys| keys.iter().filter_map(Value::as_str).collect()),
                _ => return,
            };
        let identity = |item: &Value| match &keys {
            None => plain(item),
            Some(keys) => {
                let of = |key: &&str| item.get(key).map_or_else(String::new, plain);
                keys.iter().map(of).collect::<Vec<_>>().join("/")
            }
        };
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            let identity = identity(item);
            if let Some(first) = seen.get(&identity) {
                let message =
                    format!("{identity} is already entry {first} of the list; remove one");
                self.fault(&format!("{path}[{index}]"), Gravity::Refused, message);
            } else {
                seen.insert(identity, index);
            }
        }
    }

    fn string(&mut self, schema: &Value, text: &str, path: &str, about: Option<&str>) {
        let about = about.unwrap_or("see the documentation");
        let length = text.chars().count();
        if length == 0 && bound(schema, "minLength") == Some(1) {
            self.fault(
                path,
                Gravity::Refused,
                format!("must not be empty; give it: {about}"),
            );
            return;
        }
        self.size(schema, "minLength", "maxLength", length, "characters", path);
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && let Some(place) = self.patterns.leaves(pattern, text)
        {
            let found = text.chars().nth(place).filter(|_| !is_secret(path));
            let wrong = match found {
                Some(found) => format!("character {} is {found:?}", place + 1),
                None if place < length => format!("character {} is wrong", place + 1),
                None => "it ends too early".to_owned(),
            };
            let text = quoted(path, text);
            let message = format!("{text} does not have the right form, {wrong}: {about}");
            self.fault(path, Gravity::Refused, message);
        }
        let wanted = match schema.get("format").and_then(Value::as_str) {
            Some("ipv4") if text.parse::<Ipv4Addr>().is_err() => {
                "four numbers with dots, such as 10.0.0.1"
            }
            Some("date-time") if text.parse::<Timestamp>().is_err() => {
                "a time such as 2026-01-31T12:00:00Z"
            }
            _ => return,
        };
        let message = format!("{} is not {wanted}", quoted(path, text));
        self.fault(path, Gravity::Refused, message);
    }

    fn number(&mut self, schema: &Value, value: &Value, path: &str) {
        let number = value.as_f64().unwrap_or(f64::NAN);
        let (mut low, mut high) = (
            schema
                .get("minimum")
                .and_then(Value::as_f64)
                .unwrap_or(f64::NEG_INFINITY),
            schema
                .get("maximum")
                .and_then(Value::as_f64)
                .unwrap_or(f64::INFINITY),
        );
        if schema.get("format").and_then(Value::as_str) == Some("int32") {
            low = low.max(f64::from(i32::MIN));
            high = high.min(f64::from(i32::MAX));
        }
        if !(low..=high).contains(&number) {
            // The bound of the type itself is worth a word only to who went beyond it.
            let wanted = if high == f64::from(i32::MAX) && number < low {
                format!("{low} or more")
            } else {
                format!("{low} to {high}")
            };
            self.fault(
                path,
                Gravity::Refused,
                format!("{value} is out of range; use {wanted}"),
            );
        }
    }

    fn size(&mut self, schema: &Value, min: &str, max: &str, size: usize, of: &str, path: &str) {
        let size = size as u64;
        if let Some(min) = bound(schema, min).filter(|min| size < *min) {
            let message = format!("has {size} {of}; give at least {min}");
            self.fault(path, Gravity::Refused, message);
        }
        if let Some(max) = bound(schema, max).filter(|max| size > *max) {
            let message = format!("has {size} {of}; at most {max} are possible");
            self.fault(path, Gravity::Shapeless, message);
        }
    }
}

/// What a value of `kind` looks like, if this is none.
fn wrong_type(kind: &str, value: &Value) -> Option<&'static str> {
    let (right, wanted) = match kind {
        "object" => (value.is_object(), "a mapping of fields"),
        "array" => (value.is_array(), "a list"),
        "string" => (value.is_string(), "a text"),
        "integer" => (value.is_i64() || value.is_u64(), "a whole number"),
        "number" => (value.is_number(), "a number"),
        "boolean" => (value.is_boolean(), "true or false"),
        _ => (true, ""),
    };
    (!right).then_some(wanted)
}

/// Whether what is at `path` is a secret or stands where one belongs. It is never printed: logs are read by many.
fn is_secret(path: &str) -> bool {
    let within = |root| {
        let rest = path.strip_prefix(root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    // Beside its secret a key has fields of its own.
    let others = [".sendID", ".recvID", ".algorithm", ".preferred"];
    within("spec.authentication")
        || within("spec.authSecretRef")
        || within("spec.tcpAO") && !others.iter().any(|other| path.ends_with(other))
}

/// A text, for people.
fn quoted(path: &str, text: &str) -> String {
    if is_secret(path) {
        "what is written here".to_owned()
    } else {
        format!("{text:?}")
    }
}

/// A value with its type, for people.
fn shown(path: &str, value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(_) if is_secret(path) => "true or false".to_owned(),
        Value::Number(_) if is_secret(path) => "a number; put it in quotes".to_owned(),
        Value::String(_) if is_secret(path) => "a text".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the text {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn bound(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
