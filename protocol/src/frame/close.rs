//! Why a connection was closed.

/// Why a connection was closed, and so whether to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 1001: this side goes away; resume elsewhere or later.
    GoingAway,
    /// 1002: frames are not as WebSocket lays them out.
    BadFraming,
    /// 1007: a frame of text is not in UTF-8.
    NotUtf8,
    /// 1009: a frame was larger than [`FRAME_MAX_BYTES`].
    TooBig,
    /// 1012: the server restarts; resume after a random wait.
    Restart,
    /// 4001: the session is over; sign in again.
    SignedOut,
    /// 4003: this user may not be here.
    Forbidden,
    /// 4008: this reader was too slow; resume.
    TooSlow,
    /// 4009: this client does not keep to the protocol.
    ProtocolBroken,
}

impl CloseCode {
    const ALL: [Self; 9] = [
        Self::GoingAway,
        Self::BadFraming,
        Self::NotUtf8,
        Self::TooBig,
        Self::Restart,
        Self::SignedOut,
        Self::Forbidden,
        Self::TooSlow,
        Self::ProtocolBroken,
    ];

    /// The number in the close frame.
    pub const fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::BadFraming => 1002,
            Self::NotUtf8 => 1007,
            Self::TooBig => 1009,
            Self::Restart => 1012,
            Self::SignedOut => 4001,
            Self::Forbidden => 4003,
            Self::TooSlow => 4008,
            Self::ProtocolBroken => 4009,
        }
    }

    /// The reason in the close frame, for people who debug.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "going away",
            Self::BadFraming => "this is not WebSocket",
            Self::NotUtf8 => "text must be UTF-8",
            Self::TooBig => "frame too big",
            Self::Restart => "restarting, come back soon",
            Self::SignedOut => "signed out",
            Self::Forbidden => "not allowed here",
            Self::TooSlow => "too slow, resume",
            Self::ProtocolBroken => "protocol broken",
        }
    }

    /// The meaning of a number, where it has one here.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// Whether a client should connect again by itself.
    pub const fn may_return(self) -> bool {
        matches!(self, Self::GoingAway | Self::Restart | Self::TooSlow)
    }
}
