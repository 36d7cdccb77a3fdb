//! TCP-AO keys that cannot be, and nodes whose kernel does not have it.

use std::time::SystemTime;

use cosmos::desired::{AoAlgorithm, Host, InEffect, Objects, Problem, Reason};
use cosmos::source::folder::Folder;
use cosmos::source::validate::Judge;

const REST: &str = "algorithm: hmac-sha1, secretRef: {name: s, key: k}";

fn spec(more: &str) -> String {
    format!(
        "{{routerRef: {{name: r}}, peerASN: 65001, address: '2001:db8::1', \
         addressFamilies: [{{afi: ipv6, safi: unicast}}], {more}}}"
    )
}

fn keys(keys: &str) -> String {
    format!("tcpAO: {{keys: [{keys}]}}")
}

fn peer(more: &str) -> String {
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1\nkind: BGPPeer\nmetadata: {{name: p}}\nspec: {}\n",
        spec(more)
    )
}

/// What is wrong with a peer, as text.
fn faults(more: &str) -> Vec<String> {
    let document = serde_saphyr::from_str(&peer(more)).expect("YAML");
    let verdict = Judge::default().admit(document);
    verdict.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn keys_that_cannot_be_are_refused_by_their_field() {
    let one = format!("{{sendID: 1, recvID: 1, {REST}}}");
    let two = |second: &str| keys(&format!("{one}, {{{second}, {REST}}}"));
    assert_eq!(faults(&two("sendID: 2, recvID: 2")), [""; 0]);
    let edges = keys(&format!(
        "{{sendID: 0, recvID: 255, {REST}}}, {{sendID: 255, recvID: 0, {REST}, preferred: true}}"
    ));
    assert_eq!(faults(&edges), [""; 0]);
    let both = "tcpAO and a TCP-MD5 password (authSecretRef, authentication) exclude each other";
    for (more, wanted) in [
        (
            keys("{sendID: 1, recvID: 1, secretRef: {name: s, key: k}}"),
            "spec.tcpAO.keys[0].algorithm: is missing",
        ),
        (
            keys("{sendID: 1, recvID: 1, algorithm: hmac-md5, secretRef: {name: s, key: k}}"),
            "spec.tcpAO.keys[0].algorithm: the text \"hmac-md5\" is not possible",
        ),
        (
            keys("{sendID: 1, recvID: 1, algorithm: hmac-sha1}"),
            "spec.tcpAO.keys[0].secretRef: is missing",
        ),
        (
            keys("{sendID: 1, recvID: 1, algorithm: hmac-sha1, secretRef: {name: s}}"),
            "spec.tcpAO.keys[0].secretRef.key: is missing",
        ),
        (two("sendID: 1, recvID: 2"), "spec.tcpAO"),
        (
            two("sendID: 2, recvID: 1"),
            "spec.tcpAO: two keys have one recvID",
        ),
        (
            keys(&format!(
                "{{preferred: true, sendID: 2, recvID: 2, {REST}}}, {{preferred: true, sendID: 3, recvID: 3, {REST}}}"
            )),
            "spec.tcpAO: several keys are preferred",
        ),
        (keys(""), "spec.tcpAO.keys: "),
        (
            keys(&format!("{{sendID: 256, recvID: 1, {REST}}}")),
            "spec.tcpAO.keys[0].sendID: 256 is out of range; use 0 to 255",
        ),
        (format!("authSecretRef: {{name: s}}, {}", keys(&one)), both),
        (
            format!("authentication: {{password: x}}, {}", keys(&one)),
            both,
        ),
    ] {
        let told = faults(&more);
        assert!(
            told.iter().any(|told| told.contains(wanted)),
            "{more}: {told:?}"
        );
    }
}

fn objects(more: &str) -> Objects {
    let router = "apiVersion: bgp.miloapis.com/v1alpha1\nkind: BGPRouter\nmetadata: {name: r}\n\
                  spec: {targetRef: {kind: Node, name: n}, localASN: 65000, routerID: 10.0.0.1, \
                  addressFamilies: [{afi: ipv6, safi: unicast}]}\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: hunter2}\n";
    let text = format!("{router}---\n{secret}---\n{}", peer(more));
    let files = [("f.yaml".to_owned(), Ok(text))].into();
    let content = Folder::default().read(files, SystemTime::UNIX_EPOCH);
    content.expect("new").objects
}

fn without(algorithms: &[AoAlgorithm]) -> InEffect {
    let said = |algorithm: &AoAlgorithm| (*algorithm, "it was built without".to_owned());
    InEffect::on(Host {
        without_ao: algorithms.iter().map(said).collect(),
    })
}

/// The field and the reason of each.
fn told(problems: &[Problem]) -> Vec<(&str, Reason)> {
    let problems = problems.iter();
    problems.map(|p| (p.field.as_str(), p.reason)).collect()
}

#[test]
fn a_kernel_without_it_has_the_peer_refused_and_no_other() {
    let none = AoAlgorithm::ALL;
    let signed = objects(&keys(&format!("{{sendID: 1, recvID: 1, {REST}}}")));
    let (desired, problems) = without(&none).build(&signed, "n");
    assert_eq!(
        told(&problems),
        [("spec.tcpAO", Reason::NotSupportedByKernel)]
    );
    let text = problems[0].to_string();
    assert!(
        text.contains("CONFIG_TCP_AO") && text.contains("it was built without"),
        "{text}"
    );
    assert_eq!(desired.peers.len(), 0, "it does not run unsigned instead");
    let (desired, problems) = without(&none).build(&objects("authSecretRef: {name: md5}"), "n");
    assert_eq!(
        told(&problems),
        [("spec.authSecretRef.name", Reason::SecretNotFound)]
    );
    assert_eq!(desired.peers.len(), 0);
    let (desired, problems) = without(&none).build(&objects("passive: true"), "n");
    assert_eq!((told(&problems), desired.peers.len()), (vec![], 1));
    let (desired, problems) = without(&[]).build(&signed, "n");
    assert_eq!((told(&problems), desired.peers.len()), (vec![], 1));
}

#[test]
fn a_kernel_without_one_algorithm_has_the_key_refused() {
    let one = format!("{{sendID: 1, recvID: 1, {REST}}}");
    let other = "{sendID: 2, recvID: 2, algorithm: hmac-sha256, secretRef: {name: s, key: k}}";
    let objects = objects(&keys(&format!("{one}, {other}")));
    let (desired, problems) = without(&[AoAlgorithm::HmacSha256]).build(&objects, "n");
    let field = "spec.tcpAO.keys[1].algorithm";
    assert_eq!(told(&problems), [(field, Reason::NotSupportedByKernel)]);
    assert_eq!(desired.peers.len(), 0);
    let (desired, problems) = without(&[AoAlgorithm::Aes128Cmac]).build(&objects, "n");
    assert_eq!((told(&problems), desired.peers.len()), (vec![], 1));
}

/// Linux refuses keys for them, with EINVAL: tcp_ao_verify_ipv4 and tcp_ao_verify_ipv6 of its net/ipv4/tcp_ao.c and net/ipv6/tcp_ao.c.
#[test]
fn prefixes_that_begin_with_the_unspecified_address_have_no_keys_unless_they_are_all() {
    const SECRET: &str =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: hunter2}\n";
    const ROUTER: &str = "apiVersion: bgp.miloapis.com/v1alpha1\nkind: BGPRouter\nmetadata: {name: r}\n\
        spec: {targetRef: {kind: Node, name: node-1}, roles: [fabric], localASN: 65000, routerID: 10.0.0.1, \
        addressFamilies: [{afi: ipv6, safi: unicast}, {afi: ipv4, safi: unicast}]}\n";
    let one = keys(&format!("{{sendID: 1, recvID: 1, {REST}}}"));
    for (prefix, signed, possible) in [
        ("0.0.0.0/1", true, false),
        ("0.0.0.0/1", false, true),
        ("0.0.0.0/0", true, true),
        ("128.0.0.0/1", true, true),
        ("::/1", true, false),
        ("::/0", true, true),
        ("8000::/1", true, true),
    ] {
        let address = "address: '2001:db8::1'";
        let dynamic = format!("dynamicNeighbors: {{prefixes: ['{prefix}']}}");
        let more = if signed {
            one.as_str()
        } else {
            "passive: true"
        };
        let peer = peer(more).replace(address, &dynamic);
        let text = format!("{ROUTER}---\n{SECRET}---\n{peer}");
        let files = [("all.yaml".to_owned(), Ok(text))].into();
        let content = Folder::default().read(files, SystemTime::UNIX_EPOCH);
        let content = content.expect("new");
        assert_eq!(content.problems, [], "{prefix}");
        let (desired, problems) = InEffect::default().build(&content.objects, "node-1");
        let refused = problems.iter().any(|problem| {
            problem.reason == Reason::NotSupportedByKernel
                && problem.field == "spec.dynamicNeighbors.prefixes"
                && problem
                    .message
                    .starts_with(&format!("the kernel takes no TCP-AO key for {prefix}"))
        });
        assert_eq!(refused, !possible, "{prefix}: {problems:?}");
        assert_eq!(
            desired.dynamic.len(),
            usize::from(possible),
            "{prefix}: {problems:?}"
        );
    }
}
