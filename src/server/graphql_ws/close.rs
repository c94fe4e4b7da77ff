//! Why a socket ends, as its peer is told.

use std::borrow::Cow;

use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::error::Error;

/// The most bytes of a reason (RFC 6455, section 5.5: a control frame has 125, and the code takes two).
const MOST_BYTES: usize = 123;

/// How a socket ends.
#[derive(Debug)]
pub(super) enum Close {
    /// The peer is told: a code of `graphql-transport-ws` (44…) or of RFC 6455, section 7.4.1.
    With(u16, Cow<'static, str>),
    /// The peer has ended it.
    ByPeer,
    /// Nobody is there any more.
    Gone,
}

impl Close {
    pub(super) const NOT_BEGUN_IN_TIME: Self = Self::of(4408, "Connection initialisation timeout");
    pub(super) const NOT_ACKNOWLEDGED: Self = Self::of(4401, "Unauthorized");
    pub(super) const BEGUN_TWICE: Self = Self::of(4429, "Too many initialisation requests");
    pub(super) const OTHER_PROTOCOL: Self = Self::of(4406, "Subprotocol not acceptable");
    pub(super) const TOKEN_EXPIRED: Self = Self::of(4403, "token expired");
    pub(super) const OTHER_USER: Self = Self::of(4403, "the token is of another user");
    pub(super) const TOO_MANY: Self = Self::of(1013, "too many connections of this user");
    pub(super) const STOPPING: Self = Self::of(1012, "the server is stopping");
    pub(super) const BINARY: Self = Self::of(4400, "messages are text");

    pub(super) const fn of(code: u16, reason: &'static str) -> Self {
        Self::With(code, Cow::Borrowed(reason))
    }

    /// What the peer sent is no message of the protocol.
    pub(super) fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::With(4400, reason.into())
    }

    /// An operation of that id runs already.
    pub(super) fn id_in_use(id: &str) -> Self {
        let reason = format!("Subscriber for {id} already exists");
        let short = reason.len() <= MOST_BYTES;
        Self::With(4409, if short { reason.into() } else { "Subscriber for this id already exists".into() })
    }

    /// Nobody may begin with this error. Clients of the protocol come again after 4403, with a new token if they are
    /// made to fetch one, and after 1013; all else is the end for them.
    pub(super) fn refused(error: &Error) -> Self {
        let code = match error {
            Error::Unauthenticated(_) => 4403,
            Error::RateLimited { .. } | Error::Unavailable(_) | Error::Timeout(_) => 1013,
            _ => 1011,
        };
        Self::With(code, error.to_string().into())
    }

    /// The code and the reason that the peer is told, if it is told any.
    pub(super) fn frame(&self) -> Option<CloseFrame> {
        let Self::With(code, reason) = self else { return None };
        let end = reason.floor_char_boundary(MOST_BYTES);
        Some(CloseFrame { code: CloseCode::from(*code), reason: reason[..end].into() })
    }

    /// The code for the log.
    pub(super) const fn code(&self) -> Option<u16> {
        match self {
            Self::With(code, _) => Some(*code),
            Self::ByPeer | Self::Gone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_its_frame() {
        let frame = |close: Close| close.frame().unwrap();
        assert_eq!(frame(Close::malformed("é".repeat(62))).reason.as_str(), "é".repeat(61));
        assert_eq!(frame(Close::id_in_use("a")).reason.as_str(), "Subscriber for a already exists");
        let long = frame(Close::id_in_use(&"a".repeat(100)));
        assert_eq!((u16::from(long.code), long.reason.as_str()), (4409, "Subscriber for this id already exists"));
        assert!(Close::ByPeer.frame().is_none() && Close::Gone.frame().is_none());
    }
}
