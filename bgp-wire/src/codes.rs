//! The numbers of the IANA registry "BGP Error Codes" and their subcodes, with their names.

/// Message Header Error.
pub const MESSAGE_HEADER: u8 = 1;
/// OPEN Message Error.
pub const OPEN: u8 = 2;
/// UPDATE Message Error.
pub const UPDATE: u8 = 3;
/// Hold Timer Expired.
pub const HOLD_TIMER_EXPIRED: u8 = 4;
/// Finite State Machine Error.
pub const FSM: u8 = 5;
/// Cease.
pub const CEASE: u8 = 6;
/// ROUTE-REFRESH Message Error (RFC 7313).
pub const ROUTE_REFRESH: u8 = 7;
/// Send Hold Timer Expired (RFC 9687).
pub const SEND_HOLD_TIMER_EXPIRED: u8 = 8;

/// Subcodes of [`MESSAGE_HEADER`].
pub mod header {
    /// Connection Not Synchronized.
    pub const NOT_SYNCHRONIZED: u8 = 1;
    /// Bad Message Length.
    pub const BAD_LENGTH: u8 = 2;
    /// Bad Message Type.
    pub const BAD_TYPE: u8 = 3;
}

/// Subcodes of [`OPEN`].
pub mod open {
    /// Unspecific.
    pub const UNSPECIFIC: u8 = 0;
    /// Unsupported Version Number.
    pub const UNSUPPORTED_VERSION: u8 = 1;
    /// Bad Peer AS.
    pub const BAD_PEER_AS: u8 = 2;
    /// Bad BGP Identifier.
    pub const BAD_BGP_IDENTIFIER: u8 = 3;
    /// Unsupported Optional Parameter.
    pub const UNSUPPORTED_PARAMETER: u8 = 4;
    /// Unacceptable Hold Time.
    pub const UNACCEPTABLE_HOLD_TIME: u8 = 6;
    /// Unsupported Capability (RFC 5492).
    pub const UNSUPPORTED_CAPABILITY: u8 = 7;
    /// Role Mismatch (RFC 9234).
    pub const ROLE_MISMATCH: u8 = 11;
}

/// Subcodes of [`UPDATE`].
pub mod update {
    /// Unspecific.
    pub const UNSPECIFIC: u8 = 0;
    /// Malformed Attribute List.
    pub const MALFORMED_ATTRIBUTE_LIST: u8 = 1;
    /// Unrecognized Well-known Attribute.
    pub const UNRECOGNIZED_WELL_KNOWN: u8 = 2;
    /// Missing Well-known Attribute.
    pub const MISSING_WELL_KNOWN: u8 = 3;
    /// Attribute Flags Error.
    pub const ATTRIBUTE_FLAGS: u8 = 4;
    /// Attribute Length Error.
    pub const ATTRIBUTE_LENGTH: u8 = 5;
    /// Invalid ORIGIN Attribute.
    pub const INVALID_ORIGIN: u8 = 6;
    /// Invalid NEXT_HOP Attribute.
    pub const INVALID_NEXT_HOP: u8 = 8;
    /// Optional Attribute Error.
    pub const OPTIONAL_ATTRIBUTE: u8 = 9;
    /// Invalid Network Field.
    pub const INVALID_NETWORK: u8 = 10;
    /// Malformed AS_PATH.
    pub const MALFORMED_AS_PATH: u8 = 11;
}

/// Subcodes of [`FSM`] (RFC 6608).
pub mod fsm {
    /// Unspecified Error.
    pub const UNSPECIFIED: u8 = 0;
    /// Receive Unexpected Message in OpenSent State.
    pub const UNEXPECTED_IN_OPEN_SENT: u8 = 1;
    /// Receive Unexpected Message in OpenConfirm State.
    pub const UNEXPECTED_IN_OPEN_CONFIRM: u8 = 2;
    /// Receive Unexpected Message in Established State.
    pub const UNEXPECTED_IN_ESTABLISHED: u8 = 3;
}

/// Subcodes of [`CEASE`] (RFC 4486, 8538, 9384).
pub mod cease {
    /// Maximum Number of Prefixes Reached.
    pub const MAX_PREFIXES: u8 = 1;
    /// Administrative Shutdown.
    pub const ADMINISTRATIVE_SHUTDOWN: u8 = 2;
    /// Peer De-configured.
    pub const PEER_DECONFIGURED: u8 = 3;
    /// Administrative Reset.
    pub const ADMINISTRATIVE_RESET: u8 = 4;
    /// Connection Rejected.
    pub const CONNECTION_REJECTED: u8 = 5;
    /// Other Configuration Change.
    pub const CONFIGURATION_CHANGE: u8 = 6;
    /// Connection Collision Resolution.
    pub const COLLISION_RESOLUTION: u8 = 7;
    /// Out of Resources.
    pub const OUT_OF_RESOURCES: u8 = 8;
    /// Hard Reset (RFC 8538).
    pub const HARD_RESET: u8 = 9;
    /// BFD Down (RFC 9384).
    pub const BFD_DOWN: u8 = 10;
}

/// Subcodes of [`ROUTE_REFRESH`].
pub mod route_refresh {
    /// Invalid Message Length.
    pub const INVALID_LENGTH: u8 = 1;
}

/// The registered name of an error code.
pub fn code_name(code: u8) -> Option<&'static str> {
    Some(match code {
        MESSAGE_HEADER => "Message Header Error",
        OPEN => "OPEN Message Error",
        UPDATE => "UPDATE Message Error",
        HOLD_TIMER_EXPIRED => "Hold Timer Expired",
        FSM => "Finite State Machine Error",
        CEASE => "Cease",
        ROUTE_REFRESH => "ROUTE-REFRESH Message Error",
        SEND_HOLD_TIMER_EXPIRED => "Send Hold Timer Expired",
        _ => return None,
    })
}

/// The registered name of a subcode. Deprecated ones are named too, as old speakers send them.
pub fn subcode_name(code: u8, subcode: u8) -> Option<&'static str> {
    Some(match (code, subcode) {
        (MESSAGE_HEADER, 1) => "Connection Not Synchronized",
        (MESSAGE_HEADER, 2) => "Bad Message Length",
        (MESSAGE_HEADER, 3) => "Bad Message Type",
        (OPEN, 1) => "Unsupported Version Number",
        (OPEN, 2) => "Bad Peer AS",
        (OPEN, 3) => "Bad BGP Identifier",
        (OPEN, 4) => "Unsupported Optional Parameter",
        (OPEN, 5) => "Authentication Failure",
        (OPEN, 6) => "Unacceptable Hold Time",
        (OPEN, 7) => "Unsupported Capability",
        (OPEN, 11) => "Role Mismatch",
        (UPDATE, 1) => "Malformed Attribute List",
        (UPDATE, 2) => "Unrecognized Well-known Attribute",
        (UPDATE, 3) => "Missing Well-known Attribute",
        (UPDATE, 4) => "Attribute Flags Error",
        (UPDATE, 5) => "Attribute Length Error",
        (UPDATE, 6) => "Invalid ORIGIN Attribute",
        (UPDATE, 7) => "AS Routing Loop",
        (UPDATE, 8) => "Invalid NEXT_HOP Attribute",
        (UPDATE, 9) => "Optional Attribute Error",
        (UPDATE, 10) => "Invalid Network Field",
        (UPDATE, 11) => "Malformed AS_PATH",
        (FSM, 1) => "Receive Unexpected Message in OpenSent State",
        (FSM, 2) => "Receive Unexpected Message in OpenConfirm State",
        (FSM, 3) => "Receive Unexpected Message in Established State",
        (CEASE, 1) => "Maximum Number of Prefixes Reached",
        (CEASE, 2) => "Administrative Shutdown",
        (CEASE, 3) => "Peer De-configured",
        (CEASE, 4) => "Administrative Reset",
        (CEASE, 5) => "Connection Rejected",
        (CEASE, 6) => "Other Configuration Change",
        (CEASE, 7) => "Connection Collision Resolution",
        (CEASE, 8) => "Out of Resources",
        (CEASE, 9) => "Hard Reset",
        (CEASE, 10) => "BFD Down",
        (ROUTE_REFRESH, 1) => "Invalid Message Length",
        _ => return None,
    })
}
