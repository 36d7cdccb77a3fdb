//! PURE: what `/readyz` means.
//!
//! Ready means converged: the manifests are applied, the kernel has been compared with them once and has refused no route,
//! every enabled session has been Established and has given us its whole table, and nothing is refused of which nothing runs.
//! A rolling update may go on to the next node then, and not before. One dead neighbour must not hold a node back for ever, nor
//! one route that the kernel will not have or one bad manifest, so after a time limit those are no longer waited for; manifests
//! and comparison are, and a router, if the only ones are refused.
//!
//! Having been ready once is enough: a session that flaps later is a matter for alerts, not for taking the node out. Routes
//! that the kernel refuses then are named all the same.
//!
//! Whether the whole table has come is told by End-of-RIB (RFC 4724 section 2). Neighbours with the graceful
//! restart capability send it, some of them only to those who have it too, as we do unless it is switched off; without it on both sides a table counts as complete when it has been quiet for [`QUIET`].

use std::collections::BTreeSet;
use std::time::Duration;

/// How long a neighbour that sends no End-of-RIB must have been quiet.
pub const QUIET: Duration = Duration::from_secs(3);

/// What is known at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The manifests have been read and what they want is configured.
    pub desired_applied: bool,
    /// The kernel has been compared with the tables once; also true when nothing is installed.
    pub fib_reconciled: bool,
    /// Routes that the kernel refuses.
    pub fib_failed: u64,
    /// Routers that write no routes because another agent does.
    pub fib_denied: Vec<String>,
    /// What is asked for, is refused or cannot be read, and has nothing of it in effect.
    pub unmet: Vec<String>,
    /// There is no router to run.
    pub idle: bool,
    /// The agent is about to stop.
    pub stopping: bool,
    /// Every configured session.
    pub peers: Vec<PeerFacts>,
    /// Time since the start.
    pub waited: Duration,
    /// How long sessions are waited for.
    pub timeout: Duration,
}

/// One session at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerFacts {
    /// Its name, with the router's before it where that is needed to tell it from others.
    pub name: String,
    /// Not shut down by its manifest.
    pub enabled: bool,
    /// Name of its state.
    pub state: String,
    /// How long it has been Established; none when it is not.
    pub established: Option<Duration>,
    /// Time since its last UPDATE, or since it became Established.
    pub quiet: Duration,
    /// Both OPENs had the graceful restart capability, so it sends End-of-RIB.
    pub sends_end_of_rib: bool,
    /// Negotiated families whose End-of-RIB has not come.
    pub missing_end_of_rib: Vec<String>,
}

impl PeerFacts {
    /// What is still missing; none when its table is complete.
    fn waiting_for(&self) -> Option<String> {
        if self.established.is_none() {
            return Some(format!("{} ({})", self.name, self.state));
        }
        if self.missing_end_of_rib.is_empty() {
            return None;
        }
        if self.sends_end_of_rib {
            let families = self.missing_end_of_rib.join(", ");
            return Some(format!("{} (no End-of-RIB for {families})", self.name));
        }
        (self.quiet < QUIET).then(|| format!("{} (still sending its table)", self.name))
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Converged, now or earlier.
    Ready {
        /// Routes that the kernel refuses by now.
        failed: u64,
    },
    /// The time limit has passed with these still missing.
    ReadyWithout(Vec<String>),
    /// Not yet, for these reasons.
    Waiting(Vec<String>),
    /// About to stop.
    Stopping,
}

impl Readiness {
    /// Whether traffic may come.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. } | Self::ReadyWithout(_))
    }
}

impl std::fmt::Display for Readiness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ready { failed: 0 } => f.write_str("ready: converged"),
            Self::Ready { failed } => write!(
                f,
                "ready: converged before, now without {}",
                refused(*failed)
            ),
            Self::ReadyWithout(missing) => {
                write!(
                    f,
                    "ready: the time limit has passed without {}",
                    missing.join("; ")
                )
            }
            Self::Waiting(missing) => write!(f, "waiting for {}", missing.join("; ")),
            Self::Stopping => f.write_str("stopping"),
        }
    }
}

fn refused_object(name: &str) -> String {
    format!("{name} (refused)")
}

fn refused(failed: u64) -> String {
    match failed {
        1 => "1 failed route (the kernel refuses it)".to_owned(),
        _ => format!("{failed} failed routes (the kernel refuses them)"),
    }
}

/// What has been seen so far.
#[derive(Debug, Default)]
pub struct Convergence {
    converged: bool,
    /// Sessions whose table has been complete once.
    complete: BTreeSet<String>,
}

impl Convergence {
    /// Takes in the facts and judges.
    pub fn judge(&mut self, facts: &Facts) -> Readiness {
        if facts.stopping {
            return Readiness::Stopping;
        }
        let failed = facts.fib_failed;
        if self.converged {
            return Readiness::Ready { failed };
        }
        let mut missing = Vec::new();
        if !facts.desired_applied {
            missing.push("the manifests to be applied".to_owned());
        }
        if !facts.fib_reconciled {
            missing.push("the kernel to be compared".to_owned());
        }
        let mut waiting_for: Vec<String> = facts
            .unmet
            .iter()
            .map(|name| refused_object(name))
            .collect();
        // A node that nothing is asked of is as good as it gets; one of which nobody can tell what is asked of it is not.
        if facts.idle {
            missing.append(&mut waiting_for);
        }
        for peer in facts.peers.iter().filter(|peer| peer.enabled) {
            match peer.waiting_for() {
                None => {
                    self.complete.insert(peer.name.clone());
                }
                Some(waiting) if !self.complete.contains(&peer.name) => waiting_for.push(waiting),
                Some(_) => {}
            }
        }
        if failed > 0 {
            waiting_for.push(refused(failed));
        }
        waiting_for.extend(facts.fib_denied.iter().map(|router| {
            format!("the kernel routes of {router} (another agent writes the routes here)")
        }));
        let late = facts.waited >= facts.timeout;
        match (missing.is_empty(), waiting_for.is_empty(), late) {
            (true, true, _) => {
                self.converged = true;
                Readiness::Ready { failed }
            }
            (true, false, true) => Readiness::ReadyWithout(waiting_for),
            _ => {
                missing.extend(waiting_for);
                Readiness::Waiting(missing)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> PeerFacts {
        PeerFacts {
            name: name.to_owned(),
            enabled: true,
            state: "Established".to_owned(),
            established: Some(Duration::from_secs(1)),
            quiet: Duration::ZERO,
            sends_end_of_rib: true,
            missing_end_of_rib: Vec::new(),
        }
    }

    fn down(name: &str) -> PeerFacts {
        PeerFacts {
            state: "Active".to_owned(),
            established: None,
            ..peer(name)
        }
    }

    fn facts(peers: Vec<PeerFacts>) -> Facts {
        Facts {
            desired_applied: true,
            fib_reconciled: true,
            fib_failed: 0,
            fib_denied: Vec::new(),
            unmet: Vec::new(),
            idle: false,
            stopping: false,
            peers,
            waited: Duration::from_secs(5),
            timeout: Duration::from_secs(60),
        }
    }

    #[test]
    fn truth_table() {
        let feeding = PeerFacts {
            missing_end_of_rib: vec!["ipv6/unicast".into()],
            ..peer("a")
        };
        let silent = PeerFacts {
            sends_end_of_rib: false,
            ..feeding.clone()
        };
        let quiet = PeerFacts {
            quiet: QUIET,
            ..silent.clone()
        };
        let disabled = PeerFacts {
            enabled: false,
            ..down("a")
        };
        // applied, compared, peer, time limit passed -> answer
        let table: &[(bool, bool, Option<PeerFacts>, bool, &str)] = &[
            (true, true, None, false, "ready: converged"),
            (true, true, Some(peer("a")), false, "ready: converged"),
            (true, true, Some(disabled), false, "ready: converged"),
            (true, true, Some(quiet), false, "ready: converged"),
            (true, true, Some(down("a")), false, "waiting for a (Active)"),
            (
                true,
                true,
                Some(feeding.clone()),
                false,
                "waiting for a (no End-of-RIB for ipv6/unicast)",
            ),
            (
                true,
                true,
                Some(silent.clone()),
                false,
                "waiting for a (still sending its table)",
            ),
            (
                true,
                true,
                Some(down("a")),
                true,
                "ready: the time limit has passed without a (Active)",
            ),
            (
                true,
                true,
                Some(feeding),
                true,
                "ready: the time limit has passed without a (no End-of-RIB for ipv6/unicast)",
            ),
            (
                true,
                true,
                Some(silent),
                true,
                "ready: the time limit has passed without a (still sending its table)",
            ),
            (
                false,
                true,
                Some(peer("a")),
                false,
                "waiting for the manifests to be applied",
            ),
            (
                false,
                true,
                Some(peer("a")),
                true,
                "waiting for the manifests to be applied",
            ),
            (
                true,
                false,
                Some(peer("a")),
                false,
                "waiting for the kernel to be compared",
            ),
            (
                true,
                false,
                Some(peer("a")),
                true,
                "waiting for the kernel to be compared",
            ),
            (
                false,
                false,
                Some(down("a")),
                true,
                "waiting for the manifests to be applied; the kernel to be compared; a (Active)",
            ),
        ];
        for (applied, compared, peer, late, wanted) in table {
            let mut facts = facts(peer.iter().cloned().collect());
            facts.desired_applied = *applied;
            facts.fib_reconciled = *compared;
            if *late {
                facts.waited = facts.timeout;
            }
            let answer = Convergence::default().judge(&facts);
            assert_eq!(answer.to_string(), *wanted);
            assert_eq!(answer.is_ready(), wanted.starts_with("ready"), "{wanted}");
        }
    }

    #[test]
    fn a_router_that_may_not_write_routes_is_waited_for_and_is_no_failed_route() {
        let mut denied = facts(vec![peer("a")]);
        denied.fib_denied = vec!["overlay".to_owned()];
        let mut convergence = Convergence::default();
        let what = "the kernel routes of overlay (another agent writes the routes here)";
        let answer = convergence.judge(&denied);
        assert_eq!(answer.to_string(), format!("waiting for {what}"));
        assert!(!answer.is_ready());
        denied.waited = denied.timeout;
        let answer = convergence.judge(&denied).to_string();
        assert_eq!(
            answer,
            format!("ready: the time limit has passed without {what}")
        );
        denied.fib_denied.clear();
        assert_eq!(convergence.judge(&denied).to_string(), "ready: converged");
    }

    #[test]
    fn routes_that_the_kernel_refuses_are_waited_for_until_the_time_limit_and_always_named() {
        let mut refusing = facts(vec![peer("a")]);
        refusing.fib_failed = 3;
        let mut convergence = Convergence::default();
        let said = |readiness: Readiness| (readiness.is_ready(), readiness.to_string());
        let three = "3 failed routes (the kernel refuses them)";
        assert_eq!(
            said(convergence.judge(&refusing)),
            (false, format!("waiting for {three}"))
        );
        refusing.waited = refusing.timeout;
        assert_eq!(
            said(convergence.judge(&refusing)),
            (
                true,
                format!("ready: the time limit has passed without {three}")
            )
        );
        refusing.fib_failed = 0;
        assert_eq!(
            said(convergence.judge(&refusing)),
            (true, "ready: converged".to_owned())
        );
        refusing.fib_failed = 1;
        assert_eq!(
            said(convergence.judge(&refusing)),
            (
                true,
                "ready: converged before, now without 1 failed route (the kernel refuses it)"
                    .to_owned()
            )
        );
    }

    #[test]
    fn what_is_refused_and_runs_not_is_waited_for_until_the_time_limit_but_a_router_always() {
        let mut refusing = facts(vec![peer("a")]);
        refusing.unmet = vec!["BGPPeer/b".to_owned()];
        let said = |facts: &Facts| {
            let answer = Convergence::default().judge(facts);
            (answer.is_ready(), answer.to_string())
        };
        let waiting = (false, "waiting for BGPPeer/b (refused)".to_owned());
        assert_eq!(said(&refusing), waiting);
        refusing.waited = refusing.timeout;
        let words = "ready: the time limit has passed without BGPPeer/b (refused)";
        assert_eq!(said(&refusing), (true, words.to_owned()));
        refusing.idle = true;
        assert_eq!(said(&refusing), waiting);
        refusing.unmet.clear();
        assert_eq!(said(&refusing), (true, "ready: converged".to_owned()));
    }

    #[test]
    fn having_converged_once_is_enough() {
        let mut convergence = Convergence::default();
        assert!(convergence.judge(&facts(vec![peer("a")])).is_ready());
        assert_eq!(
            convergence.judge(&facts(vec![down("a"), down("new")])),
            Readiness::Ready { failed: 0 }
        );
    }

    #[test]
    fn a_session_that_was_complete_is_not_waited_for_again() {
        let mut convergence = Convergence::default();
        assert!(
            !convergence
                .judge(&facts(vec![peer("a"), down("b")]))
                .is_ready()
        );
        assert!(
            convergence
                .judge(&facts(vec![down("a"), peer("b")]))
                .is_ready()
        );
    }

    #[test]
    fn the_time_limit_does_not_hide_who_is_missing() {
        let mut convergence = Convergence::default();
        let mut late = facts(vec![peer("a"), down("b"), down("c")]);
        late.waited = late.timeout + Duration::from_secs(1);
        let missing = vec!["b (Active)".to_owned(), "c (Active)".to_owned()];
        assert_eq!(convergence.judge(&late), Readiness::ReadyWithout(missing));
        late.peers = vec![peer("a"), peer("b"), peer("c")];
        assert_eq!(convergence.judge(&late), Readiness::Ready { failed: 0 });
    }

    #[test]
    fn an_agent_that_stops_is_not_ready() {
        let mut convergence = Convergence::default();
        assert!(convergence.judge(&facts(vec![])).is_ready());
        let stopping = Facts {
            stopping: true,
            ..facts(vec![])
        };
        assert!(!convergence.judge(&stopping).is_ready());
    }
}
