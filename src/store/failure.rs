//! Why a statement has no result, and what a caller is told of it.

use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::error::{Cause, Error};

/// Why a statement has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection ended. Whether the statement was carried out is not known.
    Lost(Cause),
    /// There was no answer within this time. Whether the statement was carried out is not known.
    Late(Duration),
    /// The database refused it, and carried nothing of it out.
    Refused(DieselError),
    /// No connection came free within this time, and nothing was begun.
    NoTurn(Duration),
    /// A fault of ours.
    Panicked,
}

impl Failure {
    /// What it is called in traces.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Lost(_) => "lost",
            Self::Late(_) => "timeout",
            Self::Refused(_) => "refused",
            Self::NoTurn(_) => "no_turn",
            Self::Panicked => "panicked",
        }
    }

    /// The same once more, for somebody else who has it.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Late(limit) => Self::Late(*limit),
            Self::NoTurn(limit) => Self::NoTurn(*limit),
            Self::Panicked => Self::Panicked,
            Self::Lost(cause) => Self::Lost(cause.to_string().into()),
            // An error cannot be had twice, and of a refusal that several share nobody knows what was carried out.
            Self::Refused(error) => Self::Lost(error.to_string().into()),
        }
    }

    /// Whether the database asks for the statement again (SQLSTATE 40001, 40P01).
    ///
    /// Diesel has no kind for 40P01 and keeps the SQLSTATE to itself, so a deadlock is known by its text, which is
    /// PostgreSQL's in English: a server with other `lc_messages` has its deadlocks answered as faults.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            Self::Refused(DieselError::DatabaseError(_, information)) => information.message() == "deadlock detected",
            _ => false,
        }
    }
}

/// What a caller is told; the log has the rest.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Lost(cause) => Self::unavailable(cause),
            Failure::Late(limit) => Self::timeout(format!("the database did not answer within {limit:?}")),
            Failure::Refused(error) => Self::internal(error),
            Failure::NoTurn(limit) => Self::unavailable(format!("no database connection came free within {limit:?}")),
            Failure::Panicked => Self::internal("work on the database panicked"),
        }
    }
}
