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
}

impl Failure {
    /// What it is called in traces.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Lost(_) => "lost",
            Self::Late(_) => "timeout",
            Self::Refused(_) => "refused",
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
        }
    }
}
