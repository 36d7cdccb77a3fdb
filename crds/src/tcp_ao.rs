//! TCP-AO (RFC 5925) of a BGPPeer.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::TCP_AO_KEY_ID;
use crate::shared::SecretKeyRef;

/// The TCP-AO keys of a session.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[x_kube(
    validation = Rule::new("self.keys.all(k, self.keys.exists_one(o, o.sendID == k.sendID))").message("two keys have one sendID; give each its own"),
    validation = Rule::new("self.keys.all(k, self.keys.exists_one(o, o.recvID == k.recvID))").message("two keys have one recvID; give each its own"),
    validation = Rule::new("self.keys.filter(k, has(k.preferred) && k.preferred).size() <= 1").message("several keys are preferred; prefer one")
)]
pub struct TcpAoSpec {
    /// Keys that both ends have. To change to another one without losing the session: give both ends the new key beside the old one,
    /// then prefer the new one, then remove the old one.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["sendID".into()]))]
    pub keys: Vec<TcpAoKeySpec>,
}

/// One TCP-AO key: a master key tuple of RFC 5925 section 3.1.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TcpAoKeySpec {
    /// The KeyID in segments that we sign with it; the neighbour's recvID of the key.
    #[serde(rename = "sendID")]
    #[schemars(range(min = TCP_AO_KEY_ID.min, max = TCP_AO_KEY_ID.max))]
    pub send_id: i32,
    /// The KeyID in segments that the neighbour signs with it; the neighbour's sendID of the key.
    #[serde(rename = "recvID")]
    #[schemars(range(min = TCP_AO_KEY_ID.min, max = TCP_AO_KEY_ID.max))]
    pub recv_id: i32,
    /// How segments are signed: hmac-sha1 and aes-128-cmac are those of RFC 5926, hmac-sha256 is what some neighbours have besides.
    pub algorithm: TcpAoAlgorithm,
    /// Where the secret is.
    pub secret_ref: SecretKeyRef,
    /// Sessions begin with this key, and the neighbour is asked to sign with it. The first key unless one is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<bool>,
}

/// How segments are signed.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum TcpAoAlgorithm {
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
    #[serde(rename = "aes-128-cmac")]
    Aes128Cmac,
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}
