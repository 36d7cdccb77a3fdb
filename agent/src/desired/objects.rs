//! The objects that were read, as they were read.
//!
//! [`Objects`] is the newest accepted form of each object, whoever read it. Nothing in it is resolved or judged.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crds::{BGPAdvertisement, BGPPeer, BGPPolicy, BGPRouter, BGPVRFInstance, VPC, VPCAttachment};
use k8s_openapi::api::core::v1::{Node, Secret};
use kube::Resource;
use kube::core::ObjectMeta;
use serde_json::Value;

/// The kinds of object that the agent reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(
    missing_docs,
    reason = "each is the Kubernetes kind that its name says"
)]
pub enum Kind {
    BgpRouter,
    BgpPeer,
    BgpAdvertisement,
    BgpPolicy,
    BgpVrfInstance,
    Vpc,
    VpcAttachment,
    Secret,
    Node,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::BgpRouter,
        Self::BgpPeer,
        Self::BgpAdvertisement,
        Self::BgpPolicy,
        Self::BgpVrfInstance,
        Self::Vpc,
        Self::VpcAttachment,
        Self::Secret,
        Self::Node,
    ];

    /// The kind's name in a manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BgpRouter => "BGPRouter",
            Self::BgpPeer => "BGPPeer",
            Self::BgpAdvertisement => "BGPAdvertisement",
            Self::BgpPolicy => "BGPPolicy",
            Self::BgpVrfInstance => "BGPVRFInstance",
            Self::Vpc => "VPC",
            Self::VpcAttachment => "VPCAttachment",
            Self::Secret => "Secret",
            Self::Node => "Node",
        }
    }

    /// The apiVersion that goes with the kind.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        match self {
            Self::BgpRouter
            | Self::BgpPeer
            | Self::BgpAdvertisement
            | Self::BgpPolicy
            | Self::BgpVrfInstance => "bgp.miloapis.com/v1alpha1",
            Self::Vpc | Self::VpcAttachment => "vpc.miloapis.com/v1alpha1",
            Self::Secret | Self::Node => "v1",
        }
    }

    /// Whether objects of the kind live in a namespace.
    #[must_use]
    pub fn is_namespaced(self) -> bool {
        self != Self::Node
    }

    /// The kind that a manifest names.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectKey {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for kinds that have none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectKey {
    /// The object `name` of `kind` in `namespace`.
    #[must_use]
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// `namespace/name`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" | "default" => write!(f, "{}/{}", self.kind, self.name),
            namespace => write!(f, "{}/{namespace}/{}", self.kind, self.name),
        }
    }
}

/// An object of one of the kinds.
#[expect(
    clippy::large_enum_variant,
    reason = "a node has few, and keeps each behind an Arc"
)]
#[derive(Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each holds the Kubernetes kind that its name says"
)]
pub enum Object {
    Router(BGPRouter),
    Peer(BGPPeer),
    Advertisement(BGPAdvertisement),
    Policy(BGPPolicy),
    Vrf(BGPVRFInstance),
    Vpc(VPC),
    VpcAttachment(VPCAttachment),
    Secret(Secret),
    Node(Node),
}

impl Object {
    /// Reads an object of `kind` from a value that has passed validation.
    ///
    /// # Errors
    /// When the value does not have the kind's shape.
    pub fn from_value(kind: Kind, value: Value) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::BgpRouter => Self::Router(serde_json::from_value(value)?),
            Kind::BgpPeer => Self::Peer(serde_json::from_value(value)?),
            Kind::BgpAdvertisement => Self::Advertisement(serde_json::from_value(value)?),
            Kind::BgpPolicy => Self::Policy(serde_json::from_value(value)?),
            Kind::BgpVrfInstance => Self::Vrf(serde_json::from_value(value)?),
            Kind::Vpc => Self::Vpc(serde_json::from_value(value)?),
            Kind::VpcAttachment => Self::VpcAttachment(serde_json::from_value(value)?),
            Kind::Secret => Self::Secret(serde_json::from_value(value)?),
            Kind::Node => Self::Node(serde_json::from_value(value)?),
        })
    }

    /// The object as it would be in the API server, without a status.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let value = match self {
            Self::Router(object) => serde_json::to_value(object),
            Self::Peer(object) => serde_json::to_value(object),
            Self::Advertisement(object) => serde_json::to_value(object),
            Self::Policy(object) => serde_json::to_value(object),
            Self::Vrf(object) => serde_json::to_value(object),
            Self::Vpc(object) => serde_json::to_value(object),
            Self::VpcAttachment(object) => serde_json::to_value(object),
            Self::Secret(object) => serde_json::to_value(object),
            Self::Node(object) => serde_json::to_value(object),
        };
        let mut value = value.expect("objects are plain data");
        if let Some(object) = value.as_object_mut() {
            object.remove("status");
        }
        value
    }

    /// The object's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Router(_) => Kind::BgpRouter,
            Self::Peer(_) => Kind::BgpPeer,
            Self::Advertisement(_) => Kind::BgpAdvertisement,
            Self::Policy(_) => Kind::BgpPolicy,
            Self::Vrf(_) => Kind::BgpVrfInstance,
            Self::Vpc(_) => Kind::Vpc,
            Self::VpcAttachment(_) => Kind::VpcAttachment,
            Self::Secret(_) => Kind::Secret,
            Self::Node(_) => Kind::Node,
        }
    }

    /// The object's metadata.
    #[must_use]
    pub fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Router(object) => object.meta(),
            Self::Peer(object) => object.meta(),
            Self::Advertisement(object) => object.meta(),
            Self::Policy(object) => object.meta(),
            Self::Vrf(object) => object.meta(),
            Self::Vpc(object) => object.meta(),
            Self::VpcAttachment(object) => object.meta(),
            Self::Secret(object) => object.meta(),
            Self::Node(object) => object.meta(),
        }
    }

    /// The object's metadata, to be changed.
    pub fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Router(object) => object.meta_mut(),
            Self::Peer(object) => object.meta_mut(),
            Self::Advertisement(object) => object.meta_mut(),
            Self::Policy(object) => object.meta_mut(),
            Self::Vrf(object) => object.meta_mut(),
            Self::Vpc(object) => object.meta_mut(),
            Self::VpcAttachment(object) => object.meta_mut(),
            Self::Secret(object) => object.meta_mut(),
            Self::Node(object) => object.meta_mut(),
        }
    }

    /// Which object this is.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        let meta = self.meta();
        ObjectKey {
            kind: self.kind(),
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
        }
    }

    /// The generation of what the object asks for.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.meta().generation.unwrap_or(1)
    }
}

/// Which object it is: what is in it may be secret.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Object({}, generation {})",
            self.key(),
            self.generation()
        )
    }
}

/// The newest accepted form of every object. Cheap to copy.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Objects {
    accepted: BTreeMap<ObjectKey, Arc<Object>>,
    /// Objects that somebody wrote and that have no accepted form.
    refused: BTreeSet<ObjectKey>,
}

impl Objects {
    /// Takes `object` in, in place of an earlier form.
    pub fn apply(&mut self, object: impl Into<Arc<Object>>) {
        let object = object.into();
        self.accepted.insert(object.key(), object);
    }

    /// Notes that `key` was refused, so that who needs it can be told so.
    pub fn refuse(&mut self, key: ObjectKey) {
        self.refused.insert(key);
    }

    /// Whether `key` has no accepted form because it was refused.
    #[must_use]
    pub fn is_refused(&self, key: &ObjectKey) -> bool {
        self.refused.contains(key) && !self.accepted.contains_key(key)
    }

    /// The objects that were refused and have no accepted form.
    pub fn refused(&self) -> impl Iterator<Item = &ObjectKey> {
        self.refused.iter().filter(|key| self.is_refused(key))
    }

    /// Forgets an object.
    pub fn delete(&mut self, key: &ObjectKey) {
        self.accepted.remove(key);
        self.refused.remove(key);
    }

    /// One object.
    #[must_use]
    pub fn get(&self, key: &ObjectKey) -> Option<&Object> {
        self.shared(key).map(|object| &**object)
    }

    /// The object as it is shared by all who hold it.
    #[must_use]
    pub fn shared(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.accepted.get(key)
    }

    /// All objects, by kind, namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectKey, &Object)> {
        self.accepted.iter().map(|(key, object)| (key, &**object))
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accepted.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    pub(crate) fn routers(&self) -> impl Iterator<Item = (&ObjectKey, &BGPRouter)> {
        self.iter().filter_map(|(key, object)| match object {
            Object::Router(router) => Some((key, router)),
            _ => None,
        })
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = (&ObjectKey, &BGPPeer)> {
        self.iter().filter_map(|(key, object)| match object {
            Object::Peer(peer) => Some((key, peer)),
            _ => None,
        })
    }

    pub(crate) fn advertisements(&self) -> impl Iterator<Item = (&ObjectKey, &BGPAdvertisement)> {
        self.iter().filter_map(|(key, object)| match object {
            Object::Advertisement(advertisement) => Some((key, advertisement)),
            _ => None,
        })
    }

    pub(crate) fn policies(&self) -> impl Iterator<Item = (&ObjectKey, &BGPPolicy)> {
        self.iter().filter_map(|(key, object)| match object {
            Object::Policy(policy) => Some((key, policy)),
            _ => None,
        })
    }

    pub(crate) fn secret(&self, namespace: &str, name: &str) -> Option<&Secret> {
        match self.get(&ObjectKey::new(Kind::Secret, namespace, name)) {
            Some(Object::Secret(secret)) => Some(secret),
            _ => None,
        }
    }
}
