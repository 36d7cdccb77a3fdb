//! config/crd is what the types say, and what they say is something an API server takes.

use std::path::Path;

use serde_json::Value;

/// Calls `visit` with every schema in `value`, and where it is.
fn schemas(value: &Value, place: &str, visit: &mut dyn FnMut(&Value, &str)) {
    visit(value, place);
    for (name, inner) in value
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        schemas(inner, &format!("{place}.{name}"), visit);
    }
    for name in ["items", "additionalProperties"] {
        if let Some(inner) = value.get(name) {
            schemas(inner, &format!("{place}[]"), visit);
        }
    }
}

fn each_schema(visit: &mut dyn FnMut(&Value, &str)) {
    for definition in crds::definitions() {
        let kind = definition["spec"]["names"]["kind"]
            .as_str()
            .expect("a kind")
            .to_owned();
        schemas(
            &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"],
            &kind,
            visit,
        );
    }
}

#[test]
fn the_folder_holds_what_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/crd/crds.yaml");
    let printed = crds::yaml();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &printed).expect("config/crd can be written");
    }
    let held = std::fs::read_to_string(&path).expect("config/crd/crds.yaml is there");
    assert!(
        held == printed,
        "config/crd/crds.yaml is not what is printed; run `make generate`"
    );
}

#[test]
fn what_is_printed_reads_back_as_the_same_definitions() {
    let read: Vec<Value> = serde_saphyr::from_multiple(&crds::yaml()).expect("YAML");
    assert_eq!(read, crds::definitions());
}

#[test]
fn every_field_says_what_it_is() {
    each_schema(&mut |schema, place| {
        for (name, inner) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let text = inner
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default();
            assert!(!text.is_empty(), "{place}.{name} has no description");
        }
    });
}

#[test]
fn schemas_are_structural() {
    each_schema(&mut |schema, place| {
        assert!(schema["type"].is_string(), "{place} has no type: {schema}");
        for absent in [
            "nullable", "title", "$ref", "anyOf", "oneOf", "allOf", "const",
        ] {
            assert!(schema.get(absent).is_none(), "{place} has {absent}");
        }
        let format = schema.get("format").and_then(Value::as_str);
        assert!(
            matches!(
                format,
                None | Some("int32" | "int64" | "ipv4" | "date-time")
            ),
            "{place} has the unknown format {format:?}"
        );
    });
}

/// The API server bounds the cost of a rule by the sizes that the schema allows, and refuses what it cannot bound.
#[test]
fn what_rules_walk_is_bounded() {
    each_schema(&mut |schema, place| {
        if place.contains(".status") {
            return;
        }
        let bounded = match schema["type"].as_str() {
            Some("string") => ["maxLength", "enum", "format"]
                .iter()
                .any(|b| schema.get(b).is_some()),
            Some("array") => schema.get("maxItems").is_some(),
            _ => true,
        };
        // Labels are bounded by the API server itself, and no rule looks at them.
        let labels = place.contains("matchLabels");
        assert!(bounded || labels, "{place} has no bound");
    });
}

#[test]
fn secrets_have_no_place_in_debug_output() {
    let spec: crds::AuthenticationSpec =
        serde_json::from_value(serde_json::json!({"password": "xyzzy"})).expect("a password");
    assert!(!format!("{spec:?}").contains("xyzzy"));
}

#[test]
fn names_and_columns_are_those_of_the_contract() {
    let mut told = String::new();
    for definition in crds::definitions() {
        let spec = &definition["spec"];
        let names = &spec["names"];
        let version = &spec["versions"][0];
        assert_eq!(spec["scope"], "Namespaced");
        assert_eq!(version["name"], "v1alpha1");
        assert!(version["served"] == true && version["storage"] == true);
        assert!(version["subresources"]["status"].is_object());
        let columns: Vec<String> = version
            .get("additionalPrinterColumns")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|column| format!("{}={}", column["name"], column["jsonPath"]).replace('"', ""))
            .collect();
        let short = names
            .get("shortNames")
            .map_or_else(|| "-".to_owned(), Value::to_string);
        let line = format!(
            "{} {} {short} {}\n",
            definition["metadata"]["name"],
            names["kind"],
            columns.join(" ")
        );
        told.push_str(&line.replace('"', ""));
    }
    assert_eq!(
        told,
        "\
bgprouters.bgp.miloapis.com BGPRouter [bgpr] TARGET=.spec.targetRef.name ROLES=.status.roleSummary ASN=.spec.localASN ROUTER-ID=.spec.routerID PHASE=.status.phase AGE=.metadata.creationTimestamp
bgppeers.bgp.miloapis.com BGPPeer [bgppr] ROUTER=.spec.routerRef.name PEER-ADDRESS=.spec.address PEER-ASN=.spec.peerASN STATE=.status.sessionState AGE=.metadata.creationTimestamp
bgpadvertisements.bgp.miloapis.com BGPAdvertisement [bgpadv] ROUTER=.spec.routerRef.name ADDRESS-FAMILY=.spec.addressFamily.afi PREFIXES=.status.advertisedPrefixes AGE=.metadata.creationTimestamp
bgppolicies.bgp.miloapis.com BGPPolicy [bgpp] DIRECTION=.spec.direction TERMS=.status.terms AGE=.metadata.creationTimestamp
bgpvrfinstances.bgp.miloapis.com BGPVRFInstance [bgpvrf] RD=.spec.routeDistinguisher Age=.metadata.creationTimestamp
vpcs.vpc.miloapis.com VPC - 
vpcattachments.vpc.miloapis.com VPCAttachment - 
"
    );
}
