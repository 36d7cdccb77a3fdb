//! One session: the variables of RFC 5880 §6.8.1, and what is done with them when a packet comes (§6.8.6), when time passes
//! (§6.8.4, §6.8.7) and when the operator wants something (§6.8.11 to §6.8.16).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::discard::Discard;
use crate::event::{Change, Event, Transmit, Why};
use crate::packet::{AuthType, ControlPacket, Diagnostic, Micros};
use crate::path::Path;
use crate::random::Random;
use crate::sessions::SessionId;
use crate::table::{Outcome, State, Trigger, lookup};
use crate::timing::{Intervals, Timing};

/// §6.8.7 of the answers to polls: "A system MAY limit the rate at which such packets are transmitted. If rate limiting is in effect,
/// the advertised value of Desired Min TX Interval MUST be greater than or equal to the interval between transmitted packets imposed
/// by the rate limiting function." Who asks to send faster than this is limited to that instead.
const ANSWERS: Micros = Micros(10_000);

/// A session that is closed tells so for no longer than this, whatever the neighbour said of its intervals.
const LONGEST_GOODBYE: Duration = Duration::from_secs(10);

/// See [`Config::desired_min_tx`].
const SHORTEST: Micros = Micros(1000);

/// What the operator wants of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// How often we want to send, while the session is Up. The RFC reserves zero (§4.1), and less than a millisecond is taken as
    /// that: a process can keep no shorter times.
    pub desired_min_tx: Micros,
    /// How often we can receive. Zero: the neighbour is to send nothing periodically.
    pub required_min_rx: Micros,
    /// How many of our packets may be missed; not zero.
    pub detect_mult: u8,
    /// Say nothing before the neighbour does (§6.1).
    pub passive: bool,
}

impl Config {
    fn intervals(&self) -> Intervals {
        Intervals {
            tx: self.desired_min_tx.max(SHORTEST),
            rx: self.required_min_rx,
        }
    }
}

/// What the neighbour said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteView {
    /// bfd.RemoteDiscr; zero while it is not known.
    pub discriminator: u32,
    /// bfd.RemoteSessionState.
    pub state: State,
    /// Its diagnostic.
    pub diagnostic: Diagnostic,
    /// How often it would send.
    pub desired_min_tx: Micros,
    /// bfd.RemoteMinRxInterval.
    pub required_min_rx: Micros,
    /// How many of its packets may be missed.
    pub detect_mult: u8,
    /// bfd.RemoteDemandMode.
    pub demand: bool,
    /// It authenticates its packets, which we do not understand: `Some(None)` if not even the type is a known one.
    pub authentication: Option<Option<AuthType>>,
}

impl RemoteView {
    /// §6.8.1: what the variables are at first.
    const UNKNOWN: Self = Self {
        discriminator: 0,
        state: State::Down,
        diagnostic: Diagnostic::NONE,
        desired_min_tx: Micros(0),
        required_min_rx: Micros(1),
        detect_mult: 0,
        demand: false,
        authentication: None,
    };
}

/// A session as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionView {
    /// Where it runs.
    pub path: Path,
    /// What is wanted.
    pub config: Config,
    /// bfd.SessionState.
    pub state: State,
    /// Since when.
    pub since: Instant,
    /// bfd.LocalDiscr.
    pub discriminator: u32,
    /// bfd.LocalDiag.
    pub diagnostic: Diagnostic,
    /// What the neighbour said last.
    pub remote: RemoteView,
    /// The interval at which we send, before jitter; none if we send nothing periodically.
    pub tx_interval: Option<Duration>,
    /// How long the neighbour may be silent; none before it was heard.
    pub detection_time: Option<Duration>,
    /// When it was heard last.
    pub heard: Option<Instant>,
    /// Packets sent.
    pub sent: u64,
    /// Packets received and not discarded.
    pub received: u64,
    /// How often it came up.
    pub ups: u64,
    /// How often its path failed.
    pub failures: u64,
}

/// What is to be sent and told.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) transmits: VecDeque<Transmit>,
    pub(crate) events: VecDeque<Event>,
}

/// When the next periodic packet is due, and from when on it may be sent.
#[derive(Debug, Clone, Copy)]
struct Due {
    at: Instant,
    earliest: Instant,
}

#[derive(Debug)]
pub(crate) struct Session {
    id: SessionId,
    view: SessionView,
    timing: Timing,
    /// A packet sent now would say something else than the last one did.
    news: bool,
    sent_at: Option<Instant>,
    answered_at: Option<Instant>,
    due: Option<Due>,
    expires: Option<Instant>,
    /// It is closed, and is forgotten then.
    closing: Option<Instant>,
    /// The earliest time at which the owner's clock will look at this session.
    pub(crate) alarm: Option<Instant>,
}

impl Session {
    pub(crate) fn new(id: SessionId, path: Path, config: Config, now: Instant) -> Self {
        let mut session = Self {
            id,
            view: SessionView {
                path,
                config,
                state: State::Down,
                since: now,
                discriminator: id.0,
                diagnostic: Diagnostic::NONE,
                remote: RemoteView::UNKNOWN,
                tx_interval: None,
                detection_time: None,
                heard: None,
                sent: 0,
                received: 0,
                ups: 0,
                failures: 0,
            },
            timing: Timing::new(config.intervals()),
            news: false,
            sent_at: None,
            answered_at: None,
            due: None,
            expires: None,
            closing: None,
            alarm: None,
        };
        if session.may_transmit() {
            session.view.tx_interval = Some(session.agreed_tx());
            let at_once = Due {
                at: now,
                earliest: now,
            };
            session.due = Some(at_once);
        }
        session
    }

    pub(crate) fn view(&self) -> &SessionView {
        &self.view
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// When [`Self::handle_timeout`] must be called next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let due = self.due.map(|due| due.at);
        [due, self.expires, self.closing]
            .into_iter()
            .flatten()
            .min()
    }

    /// §6.8.6 from where the session is known.
    pub(crate) fn handle_packet(
        &mut self,
        packet: &ControlPacket,
        now: Instant,
        random: &mut Random,
        out: &mut Out,
    ) -> Result<(), Discard> {
        // "If the A bit is set and no authentication is in use (bfd.AuthType is zero), the packet MUST be discarded."
        self.view.remote.authentication = packet.authentication;
        if packet.authentication.is_some() {
            return Err(Discard::Authentication);
        }
        if self.view.remote.discriminator != packet.my_discriminator {
            self.news = true;
        }
        self.view.remote = RemoteView {
            discriminator: packet.my_discriminator,
            state: packet.state,
            diagnostic: packet.diagnostic,
            desired_min_tx: packet.desired_min_tx,
            required_min_rx: packet.required_min_rx,
            detect_mult: packet.detect_mult,
            demand: packet.demand,
            authentication: None,
        };
        self.news |= self.timing.set_heard(true);
        self.news |= self.timing.received(packet.final_answer);
        self.view.heard = Some(now);
        let why = Why::Received(packet.state, packet.diagnostic);
        let verdict = match lookup(self.view.state, Trigger::Received(packet.state)) {
            Outcome::Discard => Err(Discard::AdminDown),
            Outcome::Stay => Ok(()),
            Outcome::Go(next, diagnostic) => {
                self.change(next, diagnostic, why, now, out);
                Ok(())
            }
        };
        if verdict.is_ok() {
            self.view.received += 1;
            // "If the Poll (P) bit is set, send a BFD Control packet to the remote system with the Poll (P) bit clear, and the Final (F)
            // bit set".
            if packet.poll {
                self.answer(now, random, out);
            }
        }
        self.speak(now, random, out);
        verdict
    }

    /// Time has passed. A periodic packet may leave as much as `ahead` before it is due. True if the session is over.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        ahead: Duration,
        random: &mut Random,
        out: &mut Out,
    ) -> bool {
        if self.closing.is_some_and(|at| at <= now) {
            return true;
        }
        if self.expires.is_some_and(|at| at <= now) {
            self.expire(now, random, out);
        }
        if let Some(due) = self.due
            && due.at <= now + ahead
            && due.earliest <= now
        {
            self.send(false, now, random, out);
        }
        false
    }

    /// Other parameters are wanted.
    pub(crate) fn reconfigure(
        &mut self,
        config: Config,
        now: Instant,
        random: &mut Random,
        out: &mut Out,
    ) {
        // §6.8.12 of a changed multiplier: "The new value will be transmitted in the next BFD Control packet, and the use of a Poll
        // Sequence is not necessary".
        self.news |= self.view.config.detect_mult != config.detect_mult;
        self.view.config = config;
        self.news |= self.timing.want(config.intervals());
        self.speak(now, random, out);
    }

    /// §6.8.16.
    pub(crate) fn set_enabled(
        &mut self,
        enabled: bool,
        now: Instant,
        random: &mut Random,
        out: &mut Out,
    ) {
        if enabled {
            self.closing = None;
        }
        let trigger = match enabled {
            true => Trigger::Enabled,
            false => Trigger::Disabled,
        };
        if let Outcome::Go(next, diagnostic) = lookup(self.view.state, trigger) {
            self.change(next, diagnostic, Why::Operator, now, out);
        }
        self.speak(now, random, out);
    }

    /// Says goodbye. True if there is nobody to say it to: then the session is over at once.
    pub(crate) fn close(&mut self, now: Instant, random: &mut Random, out: &mut Out) -> bool {
        // §6.8.16: "BFD Control packets SHOULD be transmitted for at least a Detection Time after transitioning to AdminDown state in
        // order to ensure that the remote system is aware of the state change." The time is the neighbour's, by what it was told.
        let detection_time = self.agreed_tx() * u32::from(self.view.config.detect_mult);
        let alone = self.view.remote.discriminator == 0;
        self.set_enabled(false, now, random, out);
        self.closing = Some(now + detection_time.min(LONGEST_GOODBYE));
        alone
    }

    /// §6.8.4.
    fn expire(&mut self, now: Instant, random: &mut Random, out: &mut Out) {
        self.expires = None;
        if let Outcome::Go(next, diagnostic) =
            lookup(self.view.state, Trigger::DetectionTimeExpired)
        {
            self.change(next, diagnostic, Why::DetectionTimeExpired, now, out);
        }
        // §6.8.1 of bfd.RemoteDiscr: "If a period of a Detection Time passes without the receipt of a valid, authenticated BFD packet
        // from the remote system, this variable MUST be set to zero." Nothing else is forgotten: "The state variables are
        // subsequently manipulated by the state machine and are never reinitialized, even if the session fails and is reestablished."
        self.view.remote.discriminator = 0;
        self.view.heard = None;
        self.timing.set_heard(false);
        self.news = true;
        self.speak(now, random, out);
    }

    fn change(
        &mut self,
        to: State,
        diagnostic: Option<Diagnostic>,
        why: Why,
        now: Instant,
        out: &mut Out,
    ) {
        let from = std::mem::replace(&mut self.view.state, to);
        self.view.since = now;
        self.view.diagnostic = diagnostic.unwrap_or(self.view.diagnostic);
        if (from == State::Up) != (to == State::Up) {
            self.timing.set_up(to == State::Up);
        }
        self.news = true;
        let change = Change { from, to, why };
        self.view.ups += u64::from(to == State::Up);
        self.view.failures += u64::from(change.is_failure());
        out.events.push_back(Event {
            session: self.id,
            change,
        });
    }

    /// The negotiated transmit interval (§6.8.7).
    fn agreed_tx(&self) -> Duration {
        let ours = self.timing.in_use().tx;
        ours.max(self.view.remote.required_min_rx).duration()
    }

    /// §6.8.4: "the Detection Time calculated in the local system is equal to the value of Detect Mult received from the remote
    /// system, multiplied by the agreed transmit interval of the remote system (the greater of bfd.RequiredMinRxInterval and the last
    /// received Desired Min TX Interval)."
    fn detection_time(&self) -> Duration {
        let remote = &self.view.remote;
        let agreed = self.timing.in_use().rx.max(remote.desired_min_tx);
        agreed.duration() * u32::from(remote.detect_mult)
    }

    /// §6.8.7: "A system MUST NOT transmit any BFD Control packets if bfd.RemoteDiscr is zero and the system is taking the Passive
    /// role."
    fn may_transmit(&self) -> bool {
        !self.view.config.passive || self.view.remote.discriminator != 0
    }

    /// §6.6: "Demand mode is active on the remote system" if it asks for it and both are Up.
    fn in_demand_mode(&self) -> bool {
        let remote = &self.view.remote;
        remote.demand && remote.state == State::Up && self.view.state == State::Up
    }

    /// §6.8.7: "A system MUST NOT periodically transmit BFD Control packets if bfd.RemoteMinRxInterval is zero." And not "if Demand mode
    /// is active on the remote system (bfd.RemoteDemandMode is 1, bfd.SessionState is Up, and bfd.RemoteSessionState is Up) and a Poll
    /// Sequence is not being transmitted."
    fn is_periodic(&self) -> bool {
        self.may_transmit()
            && self.view.remote.required_min_rx.0 != 0
            && (!self.in_demand_mode() || self.timing.is_polling())
    }

    /// Brings everything that follows from the variables up to date, and tells the neighbour what is new.
    fn speak(&mut self, now: Instant, random: &mut Random, out: &mut Out) {
        if self.news && self.may_transmit() {
            if self.in_demand_mode() {
                self.timing.poll_for_contents();
            }
            // "A BFD Control packet SHOULD be transmitted during the interval between periodic Control packet transmissions when the
            // contents of that packet would differ from that in the previously transmitted packet (other than the Poll and Final bits) in
            // order to more rapidly communicate a change in state."
            self.send(false, now, random, out);
        }
        // §6.8.3: "In any case other than those explicitly called out above, timing parameter changes MUST be effected immediately
        // (changing the transmission rate and/or the Detection Time)."
        let interval = self.is_periodic().then(|| self.agreed_tx());
        if self.view.tx_interval != interval {
            self.view.tx_interval = interval;
            self.schedule(self.sent_at, now, random);
        }
        self.view.detection_time =
            (self.view.remote.detect_mult != 0).then(|| self.detection_time());
        let heard = self.view.heard.zip(self.view.detection_time);
        self.expires = heard.map(|(heard, limit)| heard + limit);
    }

    /// The next periodic packet, when the last one was sent then.
    fn schedule(&mut self, last: Option<Instant>, now: Instant, random: &mut Random) {
        self.due = self.view.tx_interval.map(|interval| {
            let (drawn, shortest) = random.jitter(interval, self.view.config.detect_mult);
            Due {
                at: last.map_or(now, |last| now.max(last + drawn)),
                earliest: last.map_or(now, |last| last + shortest),
            }
        });
    }

    fn answer(&mut self, now: Instant, random: &mut Random, out: &mut Out) {
        let gap = ANSWERS.min(self.timing.told().tx).duration();
        if self.answered_at.is_none_or(|last| last + gap <= now) {
            self.answered_at = Some(now);
            self.send(true, now, random, out);
        }
    }

    fn send(&mut self, final_answer: bool, now: Instant, random: &mut Random, out: &mut Out) {
        let told = self.timing.told();
        let packet = ControlPacket {
            diagnostic: self.view.diagnostic,
            state: self.view.state,
            // §6.5: "A BFD Control packet MUST NOT have both the Poll (P) and Final (F) bits set."
            poll: !final_answer && self.timing.poll_bit(),
            final_answer,
            // We share fate with our control plane: both are this process.
            control_plane_independent: false,
            authentication: None,
            demand: false,
            detect_mult: self.view.config.detect_mult,
            my_discriminator: self.view.discriminator,
            your_discriminator: self.view.remote.discriminator,
            desired_min_tx: told.tx,
            required_min_rx: told.rx,
        };
        out.transmits.push_back(Transmit {
            session: self.id,
            payload: packet.encode(),
        });
        self.news = false;
        self.view.sent += 1;
        // An answer is "independent of any periodic BFD Control packets it may be sending" (§6.5).
        if !final_answer {
            self.sent_at = Some(now);
            self.schedule(self.sent_at, now, random);
        }
    }
}
