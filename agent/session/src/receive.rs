//! From bytes to inputs: what a connection brings is cut into messages, read as far as the state allows, and given to the FSM.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use bgp_wire::{
    AttrScratch, Disposition, FamilySet, Frame, MessageError, MessageType, Notification, Open,
    RefreshSubtype, RouteRefresh, codes, decode_update, frame,
};

use crate::collision::Side;
use crate::event::{ConnId, Event};
use crate::input::{Input, Refusal};
use crate::machine::is_bad_peer_as;
use crate::negotiate::{Negotiated, negotiate};
use crate::peer::Peer;
use crate::state::State;
use crate::{Malformed, UpdateSink, Wrong};

/// B. What happened: bytes.
impl Peer {
    /// Bytes came in. UPDATEs go to the sink before this returns, in order, and in order with the events that
    /// [`poll_event`](Self::poll_event) gives for what stood *before* this call; what follows the end of the session is dropped.
    ///
    /// Returns how many of the bytes were used: all, unless the sink [`pauses`](UpdateSink::pauses). The rest is to be given again, before
    /// anything that is read later.
    ///
    /// Give what has been read before calling [`handle_timeout`](Self::handle_timeout): a peer whose message was waiting in a buffer
    /// has not been silent.
    pub fn handle_bytes(
        &mut self,
        conn: ConnId,
        bytes: &[u8],
        now: Instant,
        sink: &mut dyn UpdateSink,
    ) -> usize {
        let Some(side) = self.side_of(conn) else {
            return bytes.len();
        };
        let Some(connection) = self.fsm_mut(side).phase.connection_mut() else {
            return bytes.len();
        };
        // Both are given back below, so that a frame can be borrowed from them while the machine moves.
        let mut inbox = mem::take(&mut connection.inbox);
        let mut scratch = mem::take(&mut self.scratch);

        let mut session: Option<Arc<Negotiated>> = None;
        let mut input = bytes;
        let mut paused = false;
        while self.fsm(side).phase.conn_id() == Some(conn) {
            paused = sink.pauses();
            if paused {
                break;
            }
            // Another one as soon as there is a session, or a family of it is disabled.
            let current = self.fsm(side).phase.negotiated();
            if session.as_ref().map(Arc::as_ptr) != current.map(Arc::as_ptr) {
                session = current.cloned();
            }
            // RFC 8654 §4: who says that it takes long messages is sent them, whether or not it is the same the other way round.
            let max_len = if session.is_some() && self.config.extended_message {
                frame::MAX_EXTENDED_LEN
            } else {
                frame::MAX_LEN
            };
            match inbox.next(&mut input, max_len) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    self.stats.received.add(frame.kind, 1);
                    self.message(side, &frame, session.as_ref(), &mut scratch, now, sink);
                }
                // RFC 4271 §6.4: what is wrong with a NOTIFICATION cannot be answered with another one.
                Err(bad) if bad.of_notification => {
                    self.step(side, Input::UnreadableNotification, now);
                }
                Err(bad) => self.step(side, Input::BadHeader(bad.notification), now),
            }
        }

        self.scratch = scratch;
        if let Some(connection) = self.fsm_mut(side).phase.connection_mut()
            && connection.id == conn
        {
            connection.inbox = inbox;
        }
        self.publish();
        let used = bytes.len() - if paused { input.len() } else { 0 };
        self.stats.received_bytes += used as u64;
        used
    }
}

impl Peer {
    /// One whole message on a connection that is up.
    fn message(
        &mut self,
        side: Side,
        frame: &Frame<'_>,
        session: Option<&Arc<Negotiated>>,
        scratch: &mut AttrScratch,
        now: Instant,
        sink: &mut dyn UpdateSink,
    ) {
        let state = self.fsm(side).state();
        match frame.kind {
            MessageType::Open if state == State::OpenSent => match self.read_open(side, frame) {
                Ok(negotiated) => self.step(side, Input::Open(Arc::new(negotiated)), now),
                Err(refusal) => self.step(side, Input::BadOpen(refusal), now),
            },
            MessageType::Open => self.step(side, Input::UnexpectedOpen, now),
            MessageType::Keepalive => {
                let before = self.negotiated().cloned();
                self.step(side, Input::Keepalive, now);
                if let (State::OpenConfirm, State::Established, Some(session)) =
                    (state, self.fsm(side).state(), session)
                {
                    if before.is_some() {
                        sink.superseded();
                    }
                    sink.established(session);
                }
            }
            MessageType::Notification => {
                let notification = Notification::decode(frame.body);
                if notification.as_ref().is_ok_and(is_bad_peer_as) {
                    self.refused_as = self.fsm(side).said_as;
                }
                let input = notification.map_or(Input::UnreadableNotification, Input::Notification);
                self.step(side, input, now);
            }
            MessageType::Update => match session {
                Some(session) if state == State::Established => {
                    self.update(side, frame.body, session, scratch, now, sink);
                }
                _ => self.step(side, Input::UnexpectedUpdate, now),
            },
            MessageType::RouteRefresh if state == State::Established => {
                match RouteRefresh::decode(frame.body) {
                    Ok(refresh) => {
                        if let Some(session) = session
                            && session.enhanced_refresh
                            && session.families.contains(refresh.family)
                        {
                            match refresh.subtype {
                                RefreshSubtype::Begin => sink.refresh_begins(refresh.family),
                                RefreshSubtype::End => sink.refresh_ends(refresh.family),
                                RefreshSubtype::Request | RefreshSubtype::Unknown(_) => {}
                            }
                        }
                        self.step(side, Input::Refresh(refresh), now);
                    }
                    Err(bad) => self.step(side, Input::BadHeader(bad.notification), now),
                }
            }
            MessageType::RouteRefresh => self.step(side, Input::UnexpectedRefresh, now),
        }
    }

    fn read_open(&self, side: Side, frame: &Frame<'_>) -> Result<Negotiated, Refusal> {
        let open = Open::decode(frame.body).map_err(|bad| Refusal {
            why: all_that_is_wrong(&bad),
            notification: bad.notification,
        })?;
        let Some(connection) = self.fsm(side).phase.connection() else {
            return Err(Refusal {
                notification: Notification::fsm(codes::fsm::UNSPECIFIED),
                why: "the connection is gone".to_owned(),
            });
        };
        negotiate(
            &self.config,
            open,
            side,
            connection.local,
            connection.remote,
        )
    }

    fn update(
        &mut self,
        side: Side,
        body: &[u8],
        session: &Negotiated,
        scratch: &mut AttrScratch,
        now: Instant,
        sink: &mut dyn UpdateSink,
    ) {
        let decoded = match decode_update(body, &session.ctx, scratch) {
            Ok(decoded) => decoded,
            Err(bad) => {
                self.stats.findings.add(Disposition::SessionReset);
                sink.malformed(&Malformed {
                    body,
                    ctx: &session.ctx,
                    what: Wrong::Fatal(&bad),
                });
                self.step(side, Input::BadUpdate(bad.notification), now);
                return;
            }
        };
        for finding in &decoded.findings {
            self.stats.findings.add_finding(finding);
        }
        if !decoded.findings.is_empty() {
            sink.malformed(&Malformed {
                body,
                ctx: &session.ctx,
                what: Wrong::Findings(&decoded),
            });
        }
        let (end_of_rib, disabled) = (decoded.update.end_of_rib, decoded.disabled);
        self.step(side, Input::Update(&decoded, &session.ctx, sink), now);
        if let Some(family) = end_of_rib {
            self.events.push_back(Event::EndOfRib(family));
        }
        if !disabled.is_empty() {
            self.disable(side, disabled, sink);
        }
    }

    /// RFC 4760 §7: "the speaker MUST delete all the BGP routes received from that neighbor whose AFI/SAFI is the same as
    /// the one carried in the incorrect MP_REACH_NLRI or MP_UNREACH_NLRI attribute. For the duration of the BGP session
    /// [...], the speaker then SHOULD ignore all the subsequent routes with that AFI/SAFI received over that session." What
    /// we tell the peer is not concerned.
    fn disable(&mut self, side: Side, families: FamilySet, sink: &mut dyn UpdateSink) {
        self.fsm_mut(side).renegotiated(|negotiated| {
            let ctx = Arc::make_mut(&mut negotiated.ctx);
            ctx.disabled = ctx.disabled.union(families);
        });
        sink.disable(families);
        let events = families.iter().map(Event::FamilyDisabled);
        self.events.extend(events);
    }
}

fn all_that_is_wrong(bad: &MessageError) -> String {
    let findings: Vec<_> = bad
        .findings
        .iter()
        .map(|finding| finding.error.to_string())
        .collect();
    if findings.is_empty() {
        bad.error.to_string()
    } else {
        findings.join("; ")
    }
}
