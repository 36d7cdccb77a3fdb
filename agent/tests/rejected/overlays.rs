//! VRFs, VPCs and what is attached to them.

use crate::support::*;

#[test]
fn vrfs_and_vpcs_are_checked() {
    let vrf = |rd: &str| {
        format!(
            "{{routerRef: {{name: r}}, routeDistinguisher: '{rd}', importRouteTargets: [{{value: '65000:1'}}], \
             exportRouteTargets: [{{value: '4200000000:100'}}]}}"
        )
    };
    accepted("BGPVRFInstance", &vrf("4200000000:100"));
    accepted("BGPVRFInstance", &vrf("192.0.2.1:65535"));
    refused(
        "BGPVRFInstance",
        &vrf("tenant-a"),
        "spec.routeDistinguisher: \"tenant-a\" does not have the right form, character 1 is 't'",
    );
    accepted("VPC", "{networks: [10.100.0.0/24, 'fd00:a::/48']}");
    refused(
        "VPC",
        "{networks: [10.100.0.0]}",
        "spec.networks: networks must be prefixes with a length",
    );
    refused("VPC", "{networks: []}", "spec.networks: has 0 entries");
    accepted(
        "VPCAttachment",
        "{vpc: {name: v}, interface: {addresses: [10.100.0.5, 'fd00:a::5', 'fd00:a::5/64']}}",
    );
    refused(
        "VPCAttachment",
        "{vpc: {name: v}, interface: {addresses: [eth0]}}",
        "spec.interface.addresses: ",
    );
}
