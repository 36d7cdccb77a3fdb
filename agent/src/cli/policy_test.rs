//! `cosmos policy test`: what one policy does with a route that is typed.

use std::io::Write;
use std::process::ExitCode;

use bgp_wire::AttrRef;
use crds::PolicyDirection;
use rib::PolicyStep;
use rib::policy::{Action, Chain, Evaluation, NextHopChange, Verdict};
use serde::Serialize;

use super::client::AskError;
use super::route_text::TypedRoute;
use super::table::{Screen, Style};
use super::{ask, explain, is_json, write_json};
use crate::args::PolicyTestArgs;
use crate::control::protocol::{ObjectKind, Reply, Request};
use crate::control::rib_table;
use crate::control::routes::Attributes;
use crate::desired::{Kind, Object, Objects, Trial, trial};
use crate::source::directory::load;

/// What came of it.
#[derive(Debug, Serialize)]
struct Outcome {
    /// The policy, `namespace/name`.
    policy: String,
    direction: PolicyDirection,
    /// What is announced.
    route: String,
    /// The BGPPeer for which it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    effect: Effect,
    /// The number of the term that matched, if one did.
    term: Option<i64>,
    /// What it does, in words.
    text: String,
    /// The attributes behind the policy, of a route that passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Attributes>,
    /// The next hop becomes our own address on the session.
    next_hop_self: bool,
    /// Terms about other BGPPeers, which were not tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_tried: Vec<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Effect {
    Permit,
    Deny,
    /// No term matches: the route goes on as it is.
    None,
}

/// Tries the policy, and says what came of it. The exit status is 1 for a route that does not pass.
pub fn run<W: Write>(args: &PolicyTestArgs, screen: &mut Screen<W>) -> Result<ExitCode, AskError> {
    let route: TypedRoute = args
        .route
        .parse()
        .map_err(|wrong| AskError::bad_request(format!("--route: {wrong}")))?;
    let objects = objects(args)?;
    let (namespace, name) = place_of(&args.policy, &objects)?;
    let trial = trial(&objects, &namespace, &name, args.peer.as_deref())
        .map_err(|why| AskError::not_found(why.to_string()))?;
    let outcome = outcome(
        format!("{namespace}/{name}"),
        args.peer.clone(),
        &trial,
        &route,
    );
    match is_json(args.output) {
        true => write_json(screen, &outcome)?,
        false => show(&outcome, &route, screen)?,
    }
    Ok(match outcome.effect {
        Effect::Deny => ExitCode::FAILURE,
        Effect::Permit | Effect::None => ExitCode::SUCCESS,
    })
}

/// The objects of the folder, or of the agent.
fn objects(args: &PolicyTestArgs) -> Result<Objects, AskError> {
    if let Some(folder) = &args.manifests {
        let loaded = load(folder).map_err(|error| AskError::bad_request(error.to_string()))?;
        return Ok(loaded.objects);
    }
    let mut objects = Objects::default();
    for (kind, read_as) in [
        (ObjectKind::Policies, Kind::BgpPolicy),
        (ObjectKind::Routers, Kind::BgpRouter),
        (ObjectKind::Peers, Kind::BgpPeer),
    ] {
        for reply in ask(&args.socket, &Request::Objects { kind, name: None })? {
            if let Reply::Object(value) = reply? {
                let object = Object::from_value(read_as, value);
                objects.apply(object.map_err(|source| AskError::NotUnderstood {
                    path: args.socket.socket.clone(),
                    source,
                })?);
            }
        }
    }
    Ok(objects)
}

/// The namespace and name that are meant. Without a namespace it is the one of the only policy of this name, or `default`.
fn place_of(text: &str, objects: &Objects) -> Result<(String, String), AskError> {
    if let Some((namespace, name)) = text.split_once('/') {
        return Ok((namespace.to_owned(), name.to_owned()));
    }
    let keys = objects.policies().map(|(key, _)| key);
    let found: Vec<_> = keys.filter(|key| key.name == text).collect();
    match found[..] {
        [] => Ok(("default".to_owned(), text.to_owned())),
        [one] => Ok((one.namespace.clone(), text.to_owned())),
        [one, other, ..] => Err(AskError::bad_request(format!(
            "there are several policies of this name: say {} or {}",
            one.path(),
            other.path()
        ))),
    }
}

fn outcome(policy: String, peer: Option<String>, trial: &Trial, route: &TypedRoute) -> Outcome {
    let chain = Chain::new([trial.policy.clone()]);
    let family = route.facts.key.family();
    let attrs = route.attrs.as_ref();
    let steps = chain.trace(attrs, family, &route.facts);
    let step = steps.into_iter().next().map(PolicyStep::from);
    let term = step.as_ref().and_then(|step| step.term.as_ref());
    let effect = match term {
        None => Effect::None,
        Some((_, Action::Deny)) => Effect::Deny,
        Some((_, Action::Permit(_))) => Effect::Permit,
    };
    let mut evaluation = Evaluation::new(&chain, attrs, family);
    let (after, next_hop): (Option<AttrRef<'_>>, _) = match evaluation.verdict(Some(&route.facts)) {
        Verdict::Permit {
            changed, next_hop, ..
        } => (Some(changed.unwrap_or(attrs)), next_hop),
        Verdict::Deny(_) => (None, None),
    };
    Outcome {
        policy,
        direction: trial.direction,
        route: route.facts.key.to_string(),
        peer,
        effect,
        term: term.map(|(sequence, _)| *sequence),
        text: step.map(|step| step.to_string()).unwrap_or_default(),
        attributes: after.map(rib_table::attributes),
        next_hop_self: next_hop == Some(NextHopChange::Own),
        not_tried: trial.left_out.clone(),
    }
}

fn show<W: Write>(
    outcome: &Outcome,
    route: &TypedRoute,
    screen: &mut Screen<W>,
) -> Result<(), AskError> {
    screen.line(0, &format!("{} {}", outcome.route, route.attrs))?;
    screen.line(2, &outcome.text)?;
    match (outcome.effect, &outcome.attributes) {
        (_, Some(attributes)) => {
            let passes = match outcome.effect {
                Effect::None => {
                    "passes as it is; where policyRef names the policy it is not originated"
                }
                _ => "passes",
            };
            screen.styled_line(2, passes, Style::Good)?;
            if outcome.next_hop_self {
                screen.line(4, "next hop: our own address on the session")?;
            }
            explain::attributes(4, attributes, screen)?;
        }
        (_, None) => screen.styled_line(2, "does not pass", Style::Bad)?,
    }
    if !outcome.not_tried.is_empty() {
        let terms: Vec<String> = outcome.not_tried.iter().map(ToString::to_string).collect();
        let text = match &outcome.peer {
            Some(peer) => format!(
                "terms about other peers than {peer}, which were not tried: {}",
                terms.join(", ")
            ),
            None => format!(
                "terms about some peers only, which were not tried (--peer says which peer is meant): {}",
                terms.join(", ")
            ),
        };
        screen.line(2, &text)?;
    }
    Ok(())
}
