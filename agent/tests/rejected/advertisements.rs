//! Advertisements and their prefixes.

use crate::support::*;

#[test]
fn prefixes_of_advertisements_have_the_form_of_the_contract() {
    for (prefix, good) in [
        ("10.0.0.0/8", true),
        ("10.0.0.5/8", true),
        ("0.0.0.0/0", true),
        ("::1/128", true),
        ("fd00::/8", true),
        ("::/0", true),
        // The form is all that the schema looks at; the agent says what is no prefix after all.
        ("999.999.999.999/99", true),
        ("1:2/64", true),
        (":::::/1", true),
        ("2001:db8::/999", true),
        ("::ffff:1.2.3.4/128", false),
        ("2001:db8:loopback::1/128", false),
        ("10.0.0.0", false),
        ("2001:db8::", false),
        ("10.0.0/8", false),
        ("", false),
    ] {
        let spec = advertisement_with(&format!("prefixes: ['{prefix}']"));
        if good {
            accepted("BGPAdvertisement", &spec);
        } else {
            refused("BGPAdvertisement", &spec, "spec.prefixes[0]: ");
        }
    }
}

#[test]
fn advertisements_are_checked() {
    accepted(
        "BGPAdvertisement",
        &advertisement_with("redistribute: [connected, static]"),
    );
    accepted(
        "BGPAdvertisement",
        &advertisement_with("originateFrom: {type: interface, interfaceName: lo}"),
    );
    accepted(
        "BGPAdvertisement",
        &advertisement_with("originateFrom: {type: kernel}, policyRef: {name: p}"),
    );
    accepted(
        "BGPAdvertisement",
        &advertisement_with(
            "prefixes: ['::/0'], communities: ['65000:1', '10.0.0.1:1', no-export, graceful-shutdown, blackhole, NO_ADVERTISE, local-AS], localPreference: 4294967295",
        ),
    );
    let none = "spec: At least one of prefixes, redistribute or originateFrom must be set";
    let many: Vec<String> = (0..257)
        .map(|n| format!("'10.{}.{}.0/24'", n / 256, n % 256))
        .collect();
    let many = format!("prefixes: [{}]", many.join(", "));
    for (more, message) in [
        ("communities: []", none),
        ("prefixes: []", none),
        (
            "prefixes: ['::/0', '::/0']",
            "spec.prefixes[1]: ::/0 is already entry 0 of the list; remove one",
        ),
        (
            "redistribute: [kernel, kernel]",
            "spec.redistribute[1]: kernel is already entry 0",
        ),
        (
            "redistribute: [ospf]",
            "spec.redistribute[0]: the text \"ospf\" is not possible; use one of static, connected, kernel",
        ),
        (
            "originateFrom: {type: interface}",
            "spec.originateFrom: interfaceName is required when type is interface",
        ),
        (
            "originateFrom: {type: kernel, interfaceName: lo}",
            "spec.originateFrom: interfaceName must not be set when type is kernel",
        ),
        (
            "prefixes: ['::/0'], communities: ['65000:1x0']",
            "spec.communities[0]: \"65000:1x0\" does not have the right form, character 8 is 'x'",
        ),
        (
            "prefixes: ['::/0'], communities: ['65000']",
            "spec.communities[0]: \"65000\" does not have the right form, it ends too early",
        ),
        (
            "prefixes: ['::/0'], localPreference: -1",
            "spec.localPreference: -1 is out of range; use 0 to 4294967295",
        ),
        (
            "prefixes: ['::/0'], policyRef: {name: ''}",
            "spec.policyRef.name: must not be empty",
        ),
        (
            &many,
            "spec.prefixes: has 257 entries; at most 256 are possible",
        ),
    ] {
        refused("BGPAdvertisement", &advertisement_with(more), message);
    }
    refused(
        "BGPAdvertisement",
        "{routerRef: {name: r}, prefixes: ['::/0']}",
        "spec.addressFamily: is missing; give it: The family of the routes.",
    );
}
