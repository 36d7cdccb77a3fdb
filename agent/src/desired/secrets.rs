//! How a BGPPeer asks for its session to be protected, and the Secrets that it names.

use std::borrow::Cow;

use crds::{BGPPeerSpec, SecretKeyRef, TcpAoKeySpec, bounds};

use super::authentication::{AoAlgorithm, AoKey, AoKeys, Authentication, Password};
use super::bounded::within;
use super::build::{Findings, REFUSED, Routers};
use super::objects::{Kind, ObjectKey};
use super::problem::Reason;

/// The longest secret that Linux takes, for TCP-MD5 (`TCP_MD5SIG_MAXKEYLEN`) as for TCP-AO (`TCP_AO_MAXKEYLEN`).
const SECRET_MAX: usize = 80;

/// How the session is protected, if it is. What cannot be had is noted.
pub(super) fn authentication(
    namespace: &str,
    spec: &BGPPeerSpec,
    routers: &Routers<'_>,
    findings: &mut Findings<'_>,
) -> Option<Authentication> {
    match &spec.tcp_ao {
        Some(tcp_ao) => keys(namespace, &tcp_ao.keys, routers, findings).map(Authentication::Ao),
        None => password(namespace, spec, routers, findings).map(Authentication::Md5),
    }
}

/// The field that protects the session, and the reason of what is wrong with it.
pub(super) fn protected_by(spec: &BGPPeerSpec) -> (&'static str, Reason) {
    if spec.tcp_ao.is_some() {
        ("spec.tcpAO", Reason::InvalidKey)
    } else if spec.auth_secret_ref.is_some() {
        ("spec.authSecretRef.name", Reason::InvalidPassword)
    } else {
        ("spec.authentication.password", Reason::InvalidPassword)
    }
}

/// The keys of TCP-AO. The schema has seen to it that there is one, and that no two have an ID in common.
fn keys(
    namespace: &str,
    specs: &[TcpAoKeySpec],
    routers: &Routers<'_>,
    findings: &mut Findings<'_>,
) -> Option<AoKeys> {
    if let Some(why) = routers.host.refuses_ao() {
        let message = format!(
            "the kernel of this node does not sign segments with TCP-AO ({why}): it takes Linux 6.7 or later, built with \
             CONFIG_TCP_AO; use authSecretRef, or remove it to go without"
        );
        findings.reject("spec.tcpAO", Reason::NotSupportedByKernel, message);
        return None;
    }
    let built: Vec<_> = specs
        .iter()
        .enumerate()
        .map(|(index, spec)| {
            let field = format!("spec.tcpAO.keys[{index}]");
            key(namespace, &field, spec, routers, findings)
        })
        .collect();
    let mut built: Vec<AoKey> = built.into_iter().collect::<Option<_>>()?;
    let wanted = specs.iter().position(|spec| spec.preferred == Some(true));
    let wanted = wanted.unwrap_or(0);
    (wanted < built.len()).then(|| AoKeys::new(built.remove(wanted), built))
}

fn key(
    namespace: &str,
    field: &str,
    spec: &TcpAoKeySpec,
    routers: &Routers<'_>,
    findings: &mut Findings<'_>,
) -> Option<AoKey> {
    let mut id = |name: &str, value: i32| -> Option<u8> {
        within(
            &format!("{field}.{name}"),
            value,
            bounds::TCP_AO_KEY_ID,
            findings,
        )
    };
    let (send_id, recv_id) = (id("sendID", spec.send_id), id("recvID", spec.recv_id));
    let algorithm = AoAlgorithm::from(spec.algorithm);
    if let Some(why) = routers.host.refuses(algorithm) {
        let message = format!(
            "the kernel of this node does not have {algorithm} ({why}); use another one, at both ends"
        );
        let field = format!("{field}.algorithm");
        findings.reject(&field, Reason::NotSupportedByKernel, message);
        return None;
    }
    let bytes = secret(
        namespace,
        &format!("{field}.secretRef"),
        &spec.secret_ref,
        Reason::InvalidKey,
        routers,
        findings,
    )?;
    let secret = usable(
        &format!("{field}.secretRef.key"),
        &bytes,
        (Reason::InvalidKey, "key", "TCP-AO"),
        findings,
    )?;
    Some(AoKey {
        send_id: send_id?,
        recv_id: recv_id?,
        algorithm,
        secret,
    })
}

/// The TCP-MD5 password of the secret, else of the object itself.
fn password(
    namespace: &str,
    spec: &BGPPeerSpec,
    routers: &Routers<'_>,
    findings: &mut Findings<'_>,
) -> Option<Password> {
    let (field, bytes) = if let Some(reference) = &spec.auth_secret_ref {
        let reference = SecretKeyRef {
            name: reference.name.clone(),
            key: "password".to_owned(),
        };
        let (field, reason) = ("spec.authSecretRef", Reason::InvalidPassword);
        let bytes = secret(namespace, field, &reference, reason, routers, findings)?;
        ("spec.authSecretRef.name", bytes)
    } else {
        let field = "spec.authentication.password";
        let text = spec.authentication.as_ref()?.password.as_ref();
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            let message = "the password is empty or missing; set one, or remove authentication";
            findings.reject(field, Reason::InvalidPassword, message);
            return None;
        };
        (field, Cow::Borrowed(text.as_bytes()))
    };
    let what = (Reason::InvalidPassword, "password", "TCP-MD5");
    usable(field, &bytes, what, findings)
}

/// What the Secret has under the key, unless that is nothing.
fn secret<'a>(
    namespace: &str,
    field: &str,
    SecretKeyRef { name, key }: &SecretKeyRef,
    unusable: Reason,
    routers: &Routers<'a>,
    findings: &mut Findings<'_>,
) -> Option<Cow<'a, [u8]>> {
    // Where a password is in the Secret no field says.
    let fixed = unusable == Reason::InvalidPassword;
    let of_key = format!("{field}.{}", if fixed { "name" } else { "key" });
    let Some(secret) = routers.objects.secret(namespace, name) else {
        let wanted = ObjectKey::new(Kind::Secret, namespace, name);
        let (reason, message) = if routers.objects.is_refused(&wanted) {
            (unusable, format!("Secret {name:?} {REFUSED}"))
        } else {
            let message = format!(
                "there is no Secret {name:?} in namespace {namespace:?}; create it with a key {key:?}"
            );
            (Reason::SecretNotFound, message)
        };
        findings.reject(&format!("{field}.name"), reason, message);
        return None;
    };
    let text = secret.string_data.as_ref().and_then(|data| data.get(key));
    let data = secret.data.as_ref().and_then(|data| data.get(key));
    let bytes = match (text, data) {
        (Some(text), _) => text.as_bytes(),
        (None, Some(data)) => data.0.as_slice(),
        (None, None) => {
            let message = format!("Secret {name:?} has no key {key:?}; add it");
            findings.reject(&of_key, unusable, message);
            return None;
        }
    };
    if bytes.is_empty() {
        let message = match fixed {
            true => format!(
                "the password in Secret {name:?} is empty; set one, or remove authSecretRef"
            ),
            false => format!("key {key:?} of Secret {name:?} is empty; give it a value"),
        };
        findings.reject(&of_key, unusable, message);
        return None;
    }
    Some(Cow::Borrowed(bytes))
}

/// A secret that the kernel takes.
fn usable(
    field: &str,
    bytes: &[u8],
    (reason, what, protocol): (Reason, &str, &str),
    findings: &mut Findings<'_>,
) -> Option<Password> {
    if bytes.len() > SECRET_MAX {
        let message = format!(
            "the {what} has {} bytes; {protocol} takes at most {SECRET_MAX}",
            bytes.len()
        );
        findings.reject(field, reason, message);
        return None;
    }
    if bytes.ends_with(b"\n") {
        let message = format!(
            "the {what} ends with a line feed, which counts as a part of it; if the neighbour's does not, write it without \
             (echo -n)"
        );
        findings.warn(field, reason, message);
    }
    Some(Password::new(bytes))
}
