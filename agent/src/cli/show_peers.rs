//! PURE: `cosmos show peers` and `cosmos show peer NAME`.

use std::io::Write;

use super::client::AskError;
use super::show_dynamic::Whole;
use super::table::{Cell, Column, Screen, Style, Table};
use super::{ask, is_json, refused, show_bfd, show_dynamic, tell_refused, words, write_json};
use crate::args::{ShowFormat, ShowPeerArgs, ShowPeersArgs};
use crate::control::dynamic::DynamicView;
use crate::control::protocol::{Reply, Request};
use crate::control::sessions::{MessageCounts, NegotiatedView, PeerView, SessionState, TcpAoView};

/// Asks for all and shows a line each.
pub fn run_list<W: Write>(args: &ShowPeersArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let request = Request::Peers {
        router: args.router.clone(),
        name: None,
    };
    let replies: Vec<Reply> = ask(&args.common.socket, &request)?.collect::<Result<_, _>>()?;
    let name = |reply: &Reply| match reply {
        Reply::Peer(peer) => Some(peer.name.clone()),
        Reply::Dynamic(view) => Some(view.name.clone()),
        _ => None,
    };
    let shown: Vec<String> = replies.iter().filter_map(name).collect();
    render_list(replies.into_iter().map(Ok), args.common.output, screen)?;
    if is_json(args.common.output) || args.router.is_some() {
        return Ok(());
    }
    let count = refused(&args.common.socket, "BGPPeer", &shown)?;
    tell_refused(count, "BGPPeer", shown.len(), screen)
}

/// Asks for one and shows everything.
pub fn run_one<W: Write>(args: &ShowPeerArgs, screen: &mut Screen<W>) -> Result<(), AskError> {
    let request = Request::Peers {
        router: args.router.clone(),
        name: Some(args.name.clone()),
    };
    let replies = ask(&args.common.socket, &request)?;
    render_one(replies, args.common.output, screen)
}

/// The sessions of an answer, and the objects with dynamic neighbours.
pub(super) fn collect(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
) -> Result<(Vec<PeerView>, Vec<DynamicView>), AskError> {
    let (mut peers, mut dynamic) = (Vec::new(), Vec::new());
    for reply in replies {
        match reply? {
            Reply::Peer(peer) => peers.push(*peer),
            Reply::Dynamic(view) => dynamic.push(*view),
            _ => {}
        }
    }
    Ok((peers, dynamic))
}

/// Shows a line each.
pub fn render_list<W: Write>(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
    format: ShowFormat,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let (peers, dynamic) = collect(replies)?;
    if is_json(format) {
        return write_json(screen, &peers);
    }
    if peers.is_empty() {
        screen.line(0, "No session runs here.")?;
        return show_dynamic::lines(&dynamic, screen);
    }
    let rows: Vec<Vec<Cell>> = peers.iter().map(row).collect();
    let columns = vec![
        Column::text("NAME", 10),
        Column::text("ROUTER", 8),
        Column::firm("ADDRESS", 15),
        Column::number("AS", 5),
        Column::text("STATE", 11),
        Column::number("FOR", 6),
        Column::number("RECEIVED", 8),
        Column::number("ACCEPTED", 8),
        Column::number("SENT", 7),
    ];
    Table::print(columns, &rows, screen)?;
    show_dynamic::lines(&dynamic, screen)
}

fn row(peer: &PeerView) -> Vec<Cell> {
    let sum = |count: fn(&crate::control::sessions::PeerFamilyView) -> u64| -> Cell {
        words::number(peer.families.iter().map(count).sum()).into()
    };
    let state = match why_down(peer).filter(|_| peer.state == SessionState::Idle) {
        Some(why) => format!("{} ({why})", peer.state),
        None => peer.state.to_string(),
    };
    vec![
        peer.name.as_str().into(),
        peer.router.as_str().into(),
        peer.whereabouts().unwrap_or_else(|| "-".to_owned()).into(),
        peer.remote_as
            .map_or_else(|| "-".to_owned(), |asn| asn.to_string())
            .into(),
        Cell::styled(state, style(peer.state)),
        words::time(peer.state_seconds).into(),
        sum(|family| family.received),
        sum(|family| family.accepted),
        sum(|family| family.advertised),
    ]
}

fn style(state: SessionState) -> Style {
    match state {
        SessionState::Established => Style::Good,
        SessionState::Idle => Style::Bad,
        _ => Style::Fair,
    }
}

/// Why a session is not up, in a word or two.
pub(super) fn why_down(peer: &PeerView) -> Option<String> {
    match (&peer.shutdown, &peer.idle_reason) {
        _ if peer.state == SessionState::Established => None,
        (Some(_), _) => Some("shut down".to_owned()),
        (None, Some(reason)) => Some(reason.clone()),
        (None, None) => peer
            .last_failure
            .as_ref()
            .or(peer.last_down.as_ref())
            .map(|why| why.text.clone()),
    }
}

/// Shows everything.
pub fn render_one<W: Write>(
    replies: impl Iterator<Item = Result<Reply, AskError>>,
    format: ShowFormat,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    let (peers, dynamic) = collect(replies)?;
    if is_json(format) {
        let whole = dynamic.iter().map(|view| Whole::of(view, &peers));
        let whole: Vec<_> = whole.collect();
        return match (peers.as_slice(), whole.as_slice()) {
            (_, [object]) => write_json(screen, object),
            ([peer], []) => write_json(screen, peer),
            (peers, []) => write_json(screen, &peers),
            (_, objects) => write_json(screen, &objects),
        };
    }
    for (n, view) in dynamic.iter().enumerate() {
        if n > 0 {
            screen.blank()?;
        }
        show_dynamic::section(view, screen)?;
    }
    for (n, peer) in peers.iter().enumerate() {
        if n > 0 || !dynamic.is_empty() {
            screen.blank()?;
        }
        session(peer, screen)?;
        families(peer, screen)?;
        show_bfd::section(peer.bfd.as_ref(), screen)?;
        messages(peer, screen)?;
        if let Some(negotiated) = &peer.negotiated {
            agreed(negotiated, screen)?;
        }
    }
    Ok(())
}

fn session<W: Write>(peer: &PeerView, screen: &mut Screen<W>) -> Result<(), AskError> {
    let address = peer
        .whereabouts()
        .unwrap_or_else(|| "address not known yet".to_owned());
    let title = format!("Peer {} of router {}: {address}", peer.name, peer.router);
    screen.styled_line(0, &title, Style::Strong)?;
    screen.fact(
        2,
        "description",
        peer.description.as_deref().unwrap_or_default(),
    )?;
    if let Some(interface) = &peer.interface {
        screen.fact(2, "interface", &interface.text)?;
    }
    let asn = peer
        .remote_as
        .map_or_else(|| "not known yet".to_owned(), |asn| asn.to_string());
    screen.fact(
        2,
        "AS",
        &format!("{asn} ({}), ours {}", peer.kind, peer.local_as),
    )?;
    let mut state = format!("{} for {}", peer.state, words::time(peer.state_seconds));
    if let Some(since) = peer.since {
        state += &format!(", since {}", words::moment(since));
    }
    screen.styled_fact(2, "state", &state, style(peer.state))?;
    if peer.state != SessionState::Established {
        screen.fact(2, "reason", peer.idle_reason.as_deref().unwrap_or_default())?;
    }
    if let Some(why) = &peer.not_let_in {
        screen.styled_fact(2, "not let in", why, Style::Bad)?;
    }
    if let Some(text) = &peer.shutdown {
        let text = if text.is_empty() {
            "by its manifest".to_owned()
        } else {
            format!("by its manifest: {text}")
        };
        screen.fact(2, "shut down", &text)?;
    }
    let dials = !peer.passive && peer.state != SessionState::Established;
    if let Some(seconds) = peer.next_retry_seconds.filter(|_| dials) {
        screen.fact(2, "next attempt", &format!("in {}", words::time(seconds)))?;
    }
    screen.fact(2, "flaps", &peer.flaps.to_string())?;
    let event = |event: &Option<_>| event.as_ref().map(words::event).unwrap_or_default();
    screen.fact(2, "last went down", &event(&peer.last_down))?;
    screen.fact(2, "last failure", &event(&peer.last_failure))?;
    screen.fact(2, "last sent", &event(&peer.last_notification_sent))?;
    screen.fact(2, "last received", &event(&peer.last_notification_received))?;
    if peer.last_malformed_update.is_some() {
        screen.fact(2, "last malformed", &event(&peer.last_malformed_update))?;
    }
    if let Some(object) = &peer.dynamic {
        screen.fact(2, "dynamic", &format!("a neighbour of {object}"))?;
    }
    let port = match peer.passive {
        true => "passive: it connects to us".to_owned(),
        false => format!("we connect to port {}", peer.remote_port),
    };
    screen.fact(2, "connection", &port)?;
    screen.fact(2, "TTL", &peer.ttl)?;
    signature(screen, peer.password, peer.tcp_ao.as_ref())?;
    Ok(screen.fact(
        2,
        "export group",
        peer.export_group.as_deref().unwrap_or_default(),
    )?)
}

/// How segments are signed.
pub(super) fn signature<W: Write>(
    screen: &mut Screen<W>,
    password: bool,
    tcp_ao: Option<&TcpAoView>,
) -> Result<(), AskError> {
    let (name, text) = match tcp_ao {
        Some(keys) => ("TCP-AO", &*keys_of(keys)),
        None => ("MD5 password", if password { "set" } else { "not set" }),
    };
    Ok(screen.fact(2, name, text)?)
}

/// The keys by sendID and recvID, the preferred one first, and which of them sign.
fn keys_of(ao: &TcpAoView) -> String {
    let keys = ao.keys.iter();
    let keys: Vec<_> = keys
        .map(|key| format!("{}/{} {}", key.send_id, key.recv_id, key.algorithm))
        .collect();
    let keys = match keys.len() {
        1 => format!("key {}", keys.join(", ")),
        _ => format!("keys {}", keys.join(", ")),
    };
    match (ao.signing, ao.asking) {
        (Some(signing), Some(asking)) => {
            format!("{keys}; we sign with sendID {signing} and ask for recvID {asking}")
        }
        _ => keys,
    }
}

fn families<W: Write>(peer: &PeerView, screen: &mut Screen<W>) -> Result<(), AskError> {
    restarting(peer, screen)?;
    limits(peer, screen)?;
    if peer.families.is_empty() || peer.state != SessionState::Established {
        return Ok(());
    }
    screen.blank()?;
    let exchanged = peer.families.iter().filter(|one| !one.not_negotiated);
    let rows: Vec<Vec<Cell>> = exchanged
        .map(|family| {
            vec![
                format!("  {}", family.family).into(),
                words::number(family.received).into(),
                words::number(family.accepted).into(),
                words::number(family.advertised).into(),
                words::yes(family.end_of_rib_received).into(),
            ]
        })
        .collect();
    let columns = vec![
        Column::text("  FAMILY", 14),
        Column::number("RECEIVED", 10),
        Column::number("ACCEPTED", 10),
        Column::number("SENT", 10),
        Column::text("ITS END-OF-RIB", 14),
    ];
    Table::print(columns, &rows, screen)?;
    for family in peer.families.iter().filter(|one| one.not_negotiated) {
        let text = format!(
            "{}: the neighbour did not offer it; no routes of it are exchanged",
            family.family
        );
        screen.styled_fact(2, "not negotiated", &text, Style::Bad)?;
    }
    let disabled = peer.families.iter().filter(|family| family.disabled);
    for family in disabled {
        screen.fact(
            2,
            "disabled",
            &format!(
                "{}: its routes could not be read; those it had sent are gone, others are ignored until the session ends",
                family.family
            ),
        )?;
    }
    for family in peer.families.iter().filter(|family| family.no_next_hop) {
        let text = format!(
            "{}: the link has no address of ours for it; routes that need one are not sent",
            family.family
        );
        screen.styled_fact(2, "no next hop", &text, Style::Bad)?;
    }
    Ok(())
}

/// How many prefixes the neighbour may tell, and what came of it.
fn limits<W: Write>(peer: &PeerView, screen: &mut Screen<W>) -> Result<(), AskError> {
    for family in &peer.families {
        let Some(limit) = &family.limit else {
            continue;
        };
        let which = match limit.after_policy {
            true => "accepted",
            false => "received",
        };
        let mut text = format!(
            "{}: {} {which} ({})",
            family.family,
            words::number(limit.limit),
            limit.action
        );
        let mut style = Style::Plain;
        if limit.exceeded > 0 {
            let sessions = match limit.exceeded {
                1 => "session",
                _ => "sessions",
            };
            let exceeded = words::number(limit.exceeded);
            text.push_str(&format!("; exceeded in {exceeded} {sessions}"));
            style = Style::Fair;
        }
        if limit.discarded > 0 {
            text.push_str(&format!("; {} not taken", words::number(limit.discarded)));
        }
        screen.styled_fact(2, "limit", &text, style)?;
    }
    Ok(())
}

/// Routes that wait for the neighbour.
fn restarting<W: Write>(peer: &PeerView, screen: &mut Screen<W>) -> Result<(), AskError> {
    for family in &peer.families {
        let Some(seconds) = family.stale_seconds else {
            continue;
        };
        let how = match family.long_lived {
            true => "as the last choice ",
            false => "",
        };
        let text = format!(
            "{}: {} stale, kept {how}for {}",
            family.family,
            words::number(family.stale),
            words::time(seconds)
        );
        screen.styled_fact(2, "restarting", &text, Style::Fair)?;
    }
    Ok(())
}

fn messages<W: Write>(peer: &PeerView, screen: &mut Screen<W>) -> Result<(), AskError> {
    screen.blank()?;
    let row = |name: &str, counts: &MessageCounts| {
        let mut row = vec![Cell::from(name)];
        row.extend(
            counts
                .by_type()
                .map(|(_, count)| Cell::from(words::number(count))),
        );
        row.push(words::number(counts.total()).into());
        row
    };
    let rows = [row("  received", &peer.received), row("  sent", &peer.sent)];
    let columns = vec![
        Column::text("  MESSAGES", 10),
        Column::number("OPEN", 6),
        Column::number("UPDATE", 12),
        Column::number("NOTIFICATION", 12),
        Column::number("KEEPALIVE", 12),
        Column::number("REFRESH", 9),
        Column::number("ALL", 14),
    ];
    Table::print(columns, &rows, screen)?;
    let bad: Vec<String> = peer
        .dispositions
        .by_name()
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name} {}", words::number(count)))
        .collect();
    screen.styled_fact(2, "malformed UPDATEs", &bad.join(", "), Style::Bad)?;
    // A family that was not negotiated, a route of an unknown type, a reserved prefix.
    if peer.dispositions.not_used > 0 {
        let parts = words::number(peer.dispositions.not_used);
        screen.fact(2, "parts not used", &parts)?;
    }
    Ok(())
}

fn agreed<W: Write>(negotiated: &NegotiatedView, screen: &mut Screen<W>) -> Result<(), AskError> {
    screen.blank()?;
    screen.styled_line(2, "Agreed", Style::Strong)?;
    let end = |end: Option<std::net::SocketAddr>| {
        end.map_or_else(|| "?".to_owned(), |end| end.to_string())
    };
    let ends = format!("{} to {}", end(negotiated.local), end(negotiated.remote));
    screen.fact(2, "connection", &ends)?;
    screen.fact(2, "its router ID", &negotiated.remote_router_id)?;
    screen.fact(
        2,
        "its host",
        negotiated.remote_host.as_deref().unwrap_or_default(),
    )?;
    screen.fact(
        2,
        "its software",
        negotiated.remote_software.as_deref().unwrap_or_default(),
    )?;
    let time = |seconds: u16| match seconds {
        0 => "none".to_owned(),
        seconds => format!("{seconds} s"),
    };
    let times = format!(
        "hold {}, keepalive {}",
        time(negotiated.hold_seconds),
        time(negotiated.keepalive_seconds)
    );
    screen.fact(2, "times", &times)?;
    screen.fact(2, "families", &words::list(&negotiated.families, "none"))?;
    screen.fact(
        2,
        "several paths from it",
        &words::list(&negotiated.add_path_receive, ""),
    )?;
    screen.fact(
        2,
        "several paths to it",
        &words::list(&negotiated.add_path_send, ""),
    )?;
    screen.fact(
        2,
        "IPv6 next hops for",
        &words::list(&negotiated.extended_next_hop, ""),
    )?;
    screen.fact(
        2,
        "longest message",
        &format!("{} octets", negotiated.max_message),
    )?;
    screen.fact(2, "four-octet AS", words::yes(negotiated.four_octet_as))?;
    let refresh = match (negotiated.route_refresh, negotiated.enhanced_route_refresh) {
        (_, true) => "yes, with begin and end",
        (true, false) => "yes",
        (false, false) => "no",
    };
    screen.fact(2, "route refresh", refresh)?;
    if let Some(seconds) = negotiated.graceful_restart_seconds {
        let waits = format!("yes, it is waited for {}", words::time(seconds));
        screen.fact(2, "graceful restart", &waits)?;
    }
    Ok(screen.fact(
        2,
        "its capabilities",
        &words::list(&negotiated.remote_capabilities, "none"),
    )?)
}
