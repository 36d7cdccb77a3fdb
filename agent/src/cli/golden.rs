//! What every command prints, kept as text files in `golden/`. `UPDATE_EXPECT=1 cargo test` writes them anew.

use std::path::PathBuf;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::client::AskError;
use super::table::{Screen, WIDTH};
use super::{elsewhere, explain, get, show_bfd, show_fib, show_peers, show_routes, show_summary};
use crate::args::{GetFormat, ShowFormat};
use crate::control::answer::Answer;
use crate::control::fake::{LONG_NAME, node};
use crate::control::protocol::{
    ErrorCode, ObjectKind, Reply, Request, RouteQuery, RoutesRequest, Side,
};

/// The replies of the typed agent, over the same lines as on a socket.
fn replies(request: &Request) -> Vec<Result<Reply, AskError>> {
    let line = serde_json::to_string(request).unwrap();
    let mut answer = Answer::new(&serde_json::from_str(&line).unwrap(), &node());
    let mut out = Vec::new();
    while answer.next(&mut out) {}
    let mut replies = Vec::new();
    for line in out.split_inclusive(|octet| *octet == b'\n') {
        match serde_json::from_slice(line).unwrap() {
            Reply::End(_) => {}
            Reply::Error(error) => replies.push(Err(AskError::No(error))),
            reply => replies.push(Ok(reply)),
        }
    }
    replies
}

fn text(render: impl FnOnce(&mut Screen<Vec<u8>>) -> Result<(), AskError>) -> String {
    let mut screen = Screen::new(Vec::new(), false);
    render(&mut screen).unwrap();
    String::from_utf8(screen.out).unwrap()
}

/// Compares with the file, and no line is too long or ends in space.
fn golden(name: &str, text: &str) {
    for line in text.lines() {
        assert!(
            line.width() <= WIDTH,
            "{name}: {} columns: {line}",
            line.width()
        );
        assert_eq!(line.trim_end(), line, "{name}: space at the end");
        assert!(!line.contains('\x1b'), "{name}: an escape sequence");
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/cli/golden")
        .join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, wanted,
        "{name} is not what it was; UPDATE_EXPECT=1 accepts it"
    );
}

fn routes(request: RoutesRequest, format: ShowFormat) -> String {
    let replies = replies(&Request::Routes(request));
    text(|screen| {
        let rows = show_routes::render(replies.into_iter(), format, screen)?;
        match format {
            ShowFormat::Table => show_routes::closing(rows, None, screen),
            ShowFormat::Json => Ok(()),
        }
    })
}

fn peers(name: Option<&str>) -> Request {
    Request::Peers {
        router: None,
        name: name.map(str::to_owned),
    }
}

#[test]
fn summary() {
    let all = replies(&Request::Summary);
    golden(
        "summary.txt",
        &text(|s| show_summary::render(all.into_iter(), ShowFormat::Table, s)),
    );
}

#[test]
fn peers_in_a_table() {
    let all = replies(&peers(None));
    golden(
        "peers.txt",
        &text(|s| show_peers::render_list(all.into_iter(), ShowFormat::Table, s)),
    );
}

#[test]
fn bfd_in_a_table() {
    let all = replies(&peers(None));
    golden(
        "bfd.txt",
        &text(|s| show_bfd::render(all.into_iter(), ShowFormat::Table, s)),
    );
}

#[test]
fn each_peer() {
    for (file, name) in [
        ("peer-up.txt", "tor-1"),
        ("peer-dead.txt", LONG_NAME),
        ("peer-shut.txt", "tor-3"),
        ("peer-dynamic.txt", "leaves"),
    ] {
        let one = replies(&peers(Some(name)));
        golden(
            file,
            &text(|s| show_peers::render_one(one.into_iter(), ShowFormat::Table, s)),
        );
    }
}

#[test]
fn routes_in_a_table() {
    golden(
        "routes.txt",
        &routes(RoutesRequest::default(), ShowFormat::Table),
    );
    let exact = Some(RouteQuery::Exact("2001:db8:2::/64".parse().unwrap()));
    let request = RoutesRequest {
        prefix: exact,
        router: Some("underlay".into()),
        ..Default::default()
    };
    golden("routes-prefix.txt", &routes(request, ShowFormat::Table));
    let request = RoutesRequest {
        peer: Some("tor-1".into()),
        side: Side::In,
        ..RoutesRequest::default()
    };
    golden("routes-in.txt", &routes(request, ShowFormat::Table));
    for (file, family) in [
        ("routes-vpnv4.txt", "vpnv4"),
        ("routes-vpnv6.txt", "ipv6-vpn"),
        ("routes-evpn.txt", "evpn"),
        ("routes-rtc.txt", "rtc"),
    ] {
        let request = RoutesRequest {
            family: Some(family.into()),
            ..RoutesRequest::default()
        };
        golden(file, &routes(request, ShowFormat::Table));
    }
}

#[test]
fn a_question_means_the_families_that_it_names() {
    let count = |request: &str| {
        let replies = replies(&serde_json::from_str(request).unwrap());
        let lines = text(|screen| {
            show_routes::render(replies.into_iter(), ShowFormat::Json, screen).map(drop)
        });
        lines.lines().count()
    };
    for (request, rows) in [
        // A prefix alone is one of unicast.
        (r#"{"request":"routes","prefix":{"exact":"10.0.0.0/8"}}"#, 0),
        (
            r#"{"request":"routes","prefix":{"exact":"10.0.0.0/8"},"family":"vpnv4"}"#,
            2,
        ),
        (
            r#"{"request":"routes","prefix":{"exact":"10.0.0.0/8"},"rd":"65000:100"}"#,
            2,
        ),
        (
            r#"{"request":"routes","prefix":{"exact":"10.0.0.0/8"},"rd":"65000:101"}"#,
            0,
        ),
        (
            r#"{"request":"routes","prefix":{"longer":"0.0.0.0/0"},"family":"ipv4/vpn"}"#,
            3,
        ),
        // So is an address, for which there is a default route; in others it is found if they are named.
        (
            r#"{"request":"routes","prefix":{"covering":"10.0.0.1"}}"#,
            1,
        ),
        (
            r#"{"request":"routes","prefix":{"covering":"10.0.0.1"},"family":"vpnv4"}"#,
            2,
        ),
        (
            r#"{"request":"routes","prefix":{"covering":"10.0.0.1"},"rd":"65000:101"}"#,
            0,
        ),
        (
            r#"{"request":"routes","prefix":{"covering":"2001:db8::1"},"family":"evpn"}"#,
            1,
        ),
        (
            r#"{"request":"routes","prefix":{"mac":"02:00:00:00:00:01"}}"#,
            1,
        ),
        (
            r#"{"request":"routes","prefix":{"mac":"02:00:00:00:00:02"}}"#,
            0,
        ),
        (
            r#"{"request":"routes","prefix":{"of-any-rd":"[2]:[0:0]:[0]:[48]:[02:00:00:00:00:01]:[128]:[2001:db8::1]"}}"#,
            1,
        ),
        (r#"{"request":"routes","rd":"100:1"}"#, 1),
        (r#"{"request":"routes","family":"rtc"}"#, 2),
        (r#"{"request":"routes","kind":2}"#, 1),
        // Alone, its text could be an IPv6 prefix too.
        (
            r#"{"request":"routes","prefix":{"route":{"family":"ipv6/vpn","route":"100:1:2001:db8:1111:2222:3333:4444:5555:6666/128"}}}"#,
            1,
        ),
        (
            r#"{"request":"routes","prefix":{"route":{"family":"ipv4/rtc","route":"65000:rt:65000:100"}}}"#,
            1,
        ),
    ] {
        assert_eq!(count(request), rows, "{request}");
    }
    for (request, wanted) in [(
        r#"{"request":"routes","rd":"x"}"#,
        "`x` is no route distinguisher: character 1 is `x`, expected an AS number or an IPv4 address, as in \
             `65000:100`",
    )] {
        match replies(&serde_json::from_str(request).unwrap()).pop() {
            Some(Err(AskError::No(error))) => assert_eq!(error.message, wanted),
            other => panic!("{request}: {other:?}"),
        }
    }
    let wrong =
        r#"{"request":"routes","prefix":{"route":{"family":"ipv6/vpn","route":"default"}}}"#;
    assert!(serde_json::from_str::<Request>(wrong).is_err());
}

#[test]
fn fib() {
    let all = replies(&Request::Fib {
        router: None,
        prefix: None,
    });
    golden(
        "fib.txt",
        &text(|s| show_fib::render(all.into_iter(), ShowFormat::Table, s).map(drop)),
    );
}

#[test]
fn explanation() {
    let prefix = RouteQuery::Covering("2001:db8:2::1".parse().unwrap());
    let all = replies(&Request::Explain {
        prefix,
        router: None,
        family: None,
        rd: None,
    });
    golden(
        "explain-covering.txt",
        &text(|s| explain::render(all.into_iter(), ShowFormat::Table, s)),
    );
    let prefix = RouteQuery::Exact("2001:db8:2::/64".parse().unwrap());
    let all = replies(&Request::Explain {
        prefix,
        router: Some("overlay".into()),
        family: None,
        rd: None,
    });
    golden(
        "explain-kernel.txt",
        &text(|s| explain::render(all.into_iter(), ShowFormat::Table, s)),
    );
    let all = replies(&Request::Explain {
        prefix: RouteQuery::of("65000:100:10.0.0.0/8".parse().unwrap()),
        router: None,
        family: None,
        rd: None,
    });
    golden(
        "explain-vpn.txt",
        &text(|s| explain::render(all.into_iter(), ShowFormat::Table, s)),
    );
    // The same route, found by an address that it covers.
    for (family, rd) in [
        (Some("vpnv4"), None),
        (None, Some("65000:100")),
        (Some("vpnv4"), Some("65000:100")),
    ] {
        let all = replies(&Request::Explain {
            prefix: RouteQuery::Covering("10.1.2.3".parse().unwrap()),
            router: None,
            family: family.map(str::to_owned),
            rd: rd.map(str::to_owned),
        });
        golden(
            "explain-vpn.txt",
            &text(|s| explain::render(all.into_iter(), ShowFormat::Table, s)),
        );
    }
}

#[test]
fn objects() {
    for (file, kind, format) in [
        ("get-routers.txt", ObjectKind::Routers, GetFormat::Table),
        ("get-routers-wide.txt", ObjectKind::Routers, GetFormat::Wide),
        ("get-peers.txt", ObjectKind::Peers, GetFormat::Table),
        ("get-peers-wide.txt", ObjectKind::Peers, GetFormat::Wide),
        (
            "get-advertisements.txt",
            ObjectKind::Advertisements,
            GetFormat::Table,
        ),
        ("get-policies.txt", ObjectKind::Policies, GetFormat::Table),
    ] {
        let all = replies(&Request::Objects { kind, name: None });
        golden(
            file,
            &text(|s| get::render(all.into_iter(), kind, false, format, s)),
        );
    }
}

#[test]
fn one_object_as_yaml() {
    let kind = ObjectKind::Routers;
    let one = replies(&Request::Objects {
        kind,
        name: Some("underlay".into()),
    });
    let yaml = text(|s| get::render(one.into_iter(), kind, true, GetFormat::Yaml, s));
    golden("get-router.yaml", &yaml);
    let read: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(read["spec"]["localASN"], 65_000);
}

#[test]
fn json_documents_can_be_read() {
    let summary = replies(&Request::Summary);
    let all = replies(&peers(None));
    let one = replies(&peers(Some("tor-1")));
    let prefix = RouteQuery::Exact("2001:db8:2::/64".parse().unwrap());
    let explained = replies(&Request::Explain {
        prefix,
        router: None,
        family: None,
        rd: None,
    });
    let kind = ObjectKind::Peers;
    let objects = replies(&Request::Objects { kind, name: None });
    let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let json = ShowFormat::Json;

    let summary = read(text(|s| show_summary::render(summary.into_iter(), json, s)));
    assert_eq!(summary["routers"][1]["kernel"]["failed"], 2);
    assert_eq!(summary["peers"].as_array().unwrap().len(), 5);
    assert_eq!(summary["dynamicNeighbors"][0]["refused"], 1_024);
    let all = read(text(|s| show_peers::render_list(all.into_iter(), json, s)));
    assert_eq!(all[2]["state"], "Established");
    let one = read(text(|s| show_peers::render_one(one.into_iter(), json, s)));
    assert_eq!(one["negotiated"]["hold_seconds"], 90);
    let explained = read(text(|s| explain::render(explained.into_iter(), json, s)));
    assert_eq!(explained[1]["route"]["steps"][1]["out"][0], 2);
    assert_eq!(explained[0]["kernel"][0]["state"], "shadowed");
    let objects = read(text(|s| {
        get::render(objects.into_iter(), kind, false, GetFormat::Json, s)
    }));
    assert_eq!(objects["items"].as_array().unwrap().len(), 2);
}

#[test]
fn routes_and_kernel_entries_are_json_lines() {
    let lines = routes(RoutesRequest::default(), ShowFormat::Json);
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 15);
    assert!(
        rows.iter()
            .all(|row| row["router"].is_string() && row["as_path"].is_string())
    );
    let all = replies(&Request::Fib {
        router: None,
        prefix: None,
    });
    let lines = text(|s| show_fib::render(all.into_iter(), ShowFormat::Json, s).map(drop));
    assert!(
        lines
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    assert_eq!(lines.lines().count(), 7);
}

#[test]
fn nothing_by_that_name_is_said_with_what_there_is() {
    let request = |text: &str| serde_json::from_str::<Request>(text).unwrap();
    for (asked, wanted) in [
        (
            r#"{"request":"peers","name":"tor-9"}"#,
            format!("no peer is named tor-9; there are: lab/tor-3, {LONG_NAME}, tor-1, leaves"),
        ),
        (
            r#"{"request":"peers","router":"nowhere"}"#,
            "no router is named nowhere; there are: overlay, underlay".to_owned(),
        ),
        (
            r#"{"request":"objects","kind":"vrfs","name":"x"}"#,
            "no BGPVRFInstance is named x; there are none".to_owned(),
        ),
        (
            r#"{"request":"routes","family":"ipv4/multicast"}"#,
            "there is no address family ipv4/multicast; there are: ipv4/unicast, ipv6/unicast, ipv4/vpn, ipv6/vpn, l2vpn/evpn, ipv4/rtc"
                .to_owned(),
        ),
        (
            r#"{"request":"explain","prefix":{"exact":"192.0.2.0/24"}}"#,
            "no router knows 192.0.2.0/24".to_owned(),
        ),
        (
            r#"{"request":"explain","prefix":{"covering":"192.0.2.1"}}"#,
            "no route covers 192.0.2.1".to_owned(),
        ),
        (
            r#"{"request":"explain","prefix":{"mac":"02:00:00:00:00:99"}}"#,
            "no route of EVPN has the MAC address 02:00:00:00:00:99".to_owned(),
        ),
        (
            r#"{"request":"explain","prefix":{"covering":"10.1.2.3"},"rd":"65000:7"}"#,
            "no route covers 10.1.2.3".to_owned(),
        ),
        (
            r#"{"request":"explain","prefix":{"of-any-rd":"[5]:[0:0]:[0]:[24]:[10.9.9.0]"}}"#,
            "no router knows [5]:[0]:[24]:[10.9.9.0]".to_owned(),
        ),
    ] {
        match replies(&request(asked)).pop() {
            Some(Err(AskError::No(error))) => {
                assert_eq!(error.message, wanted);
                assert_eq!(error.code, ErrorCode::NotFound);
            }
            other => panic!("{asked}: {other:?}"),
        }
    }
}

#[test]
fn a_question_that_makes_no_sense_is_told_apart() {
    let there = "there are: ipv4/unicast, ipv6/unicast, ipv4/vpn, ipv6/vpn, l2vpn/evpn, ipv4/rtc";
    for (asked, wanted) in [
        (
            r#"{"request":"routes","family":"nonsense"}"#,
            format!("there is no address family nonsense; {there}"),
        ),
        (
            r#"{"request":"routes","family":"vpnv4","kind":2}"#,
            "only EVPN has types of routes, and vpnv4 is another family".to_owned(),
        ),
    ] {
        let request: Request = serde_json::from_str(asked).unwrap();
        match replies(&request).pop() {
            Some(Err(AskError::No(error))) => {
                assert_eq!((error.message, error.code), (wanted, ErrorCode::BadRequest));
            }
            other => panic!("{asked}: {other:?}"),
        }
    }
}

#[test]
fn names_may_be_short_long_or_addresses() {
    for (asked, wanted) in [
        ("tor-1", "tor-1"),
        ("default/tor-1", "tor-1"),
        ("2001:db8:0:12:0::1", "tor-1"),
        ("tor-3", "lab/tor-3"),
        ("lab/tor-3", "lab/tor-3"),
    ] {
        match replies(&peers(Some(asked))).as_slice() {
            [Ok(Reply::Peer(peer))] => assert_eq!(peer.name, wanted),
            other => panic!("{asked}: {other:?}"),
        }
    }
    assert!(matches!(
        replies(&peers(Some("default/tor-3"))).as_slice(),
        [Err(_)]
    ));
}

#[test]
fn family_may_be_said_in_several_ways() {
    for family in ["ipv4", "ipv4/unicast", "IPv4-Unicast"] {
        let request = RoutesRequest {
            family: Some(family.into()),
            ..RoutesRequest::default()
        };
        assert_eq!(
            routes(request, ShowFormat::Json).lines().count(),
            3,
            "{family}"
        );
    }
}

#[test]
fn sides_are_what_they_say() {
    let ask = |side, best| RoutesRequest {
        peer: Some("tor-1".into()),
        side,
        best,
        ..Default::default()
    };
    let count = |request| routes(request, ShowFormat::Json).lines().count();
    assert_eq!(count(ask(Side::Table, false)), 4);
    assert_eq!(count(ask(Side::Table, true)), 3);
    assert_eq!(count(ask(Side::In, false)), 4);
    assert_eq!(count(ask(Side::Out, false)), 1);
}

#[test]
fn a_plain_prefix_points_to_the_families_that_have_it() {
    let found = |text: &str| {
        let query = match text.parse() {
            Ok(address) => RouteQuery::Covering(address),
            Err(_) => RouteQuery::Exact(text.parse().unwrap()),
        };
        elsewhere::find(&query, None, |request| Ok(replies(request).into_iter()))
    };
    for (query, show, explain) in [
        (
            "10.0.0.0/8",
            "; ipv4/vpn has 65000:100:10.0.0.0/8: add --family vpnv4",
            "; ipv4/vpn has 65000:100:10.0.0.0/8: add --rd 65000:100",
        ),
        (
            "10.1.2.3",
            "; ipv4/vpn has 65000:100:10.0.0.0/8: add --family vpnv4",
            "; ipv4/vpn has 65000:100:10.0.0.0/8: add --family vpnv4",
        ),
        (
            "2001:db8:1111:2222:3333:4444:5555:6666/128",
            "; ipv6/vpn has 100:1:2001:db8:1111:2222:3333:4444:5555:6666/128: add --family vpnv6",
            "; ipv6/vpn has 100:1:2001:db8:1111:2222:3333:4444:5555:6666/128: add --rd 100:1",
        ),
    ] {
        let found = found(query).unwrap();
        assert_eq!(found.to_show(), format!(" in the unicast families{show}"));
        assert_eq!(
            found.to_explain(),
            format!(" in the unicast families{explain}")
        );
    }
    assert!(found("203.0.113.0/24").is_none());
    let route = RouteQuery::Route("65000:100:203.0.113.0/24".parse().unwrap());
    let none = elsewhere::find(&route, None, |request| Ok(replies(request).into_iter()));
    assert!(none.is_none(), "a route names its family");
}
