//! Changes with an idempotency key: the key is claimed first, in the change's own transaction, and kept with what the
//! change did. Of two requests at once the second waits for the first, and is answered from what it kept.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::schema::idempotency_keys as keys;
use super::timestamp::At;
use super::{Database, Store};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::idempotency::{Keyed, LIFETIME};

/// The most keys that one transaction sweeps away.
const BATCH: i64 = 500;

/// What became of a change: `T` is what it left, `R` why there was nothing to change.
#[derive(Debug)]
pub(super) enum Outcome<T, R> {
    /// It was made now.
    Made(T),
    /// It was made before under the same key; this is what was kept.
    Kept(String),
    /// The key was used for another request.
    Conflict,
    /// Nothing was changed, and the key is as free as before.
    Refused(R),
}

impl<T: DeserializeOwned, R> Outcome<T, R> {
    /// What a change without a key left.
    pub(super) fn of(change: Result<T, R>) -> Self {
        change.map_or_else(Self::Refused, Self::Made)
    }

    /// What the caller is to be told of.
    pub(super) fn told(self, keyed: Option<&Keyed>) -> Result<Result<T, R>> {
        match self {
            Self::Made(left) => Ok(Ok(left)),
            Self::Kept(outcome) => {
                keyed.inspect(|keyed| keyed.set_replayed());
                serde_json::from_str(&outcome).map(Ok).map_err(Error::internal)
            }
            Self::Conflict => Err(Error::KeyConflict),
            Self::Refused(reason) => Ok(Err(reason)),
        }
    }
}

/// Why a transaction is rolled back.
#[derive(Debug)]
pub(super) enum Stop<R> {
    Refused(R),
    Failed(DieselError),
}

impl<R> From<DieselError> for Stop<R> {
    fn from(error: DieselError) -> Self {
        Self::Failed(error)
    }
}

/// The row of a statement, where it found one.
pub(super) fn found<T>(row: QueryResult<T>) -> QueryResult<Result<T, ()>> {
    row.optional().map(|row| row.ok_or(()))
}

/// Before this, a key is as if it had never been used.
pub(super) fn expired_before(now: Timestamp) -> At {
    At(Timestamp::from_micros(now.as_micros() - i64::try_from(LIFETIME.as_micros()).unwrap_or(i64::MAX)))
}

/// What a key was used for is what it is used for now, or not.
pub(super) fn judged<T, R>(keyed: &Keyed, kept: Option<(Vec<u8>, Option<String>)>) -> QueryResult<Outcome<T, R>> {
    match kept {
        Some((fingerprint, Some(outcome))) if fingerprint == keyed.fingerprint() => Ok(Outcome::Kept(outcome)),
        Some(_) => Ok(Outcome::Conflict),
        // It was swept away between the two statements: the next attempt finds it free.
        None => Err(DieselError::DatabaseError(
            DatabaseErrorKind::SerializationFailure,
            Box::new("the key was swept away".to_owned()),
        )),
    }
}

pub(super) fn as_text(left: &impl Serialize) -> QueryResult<String> {
    serde_json::to_string(left).map_err(|error| DieselError::SerializationError(error.into()))
}

/// Where nothing was changed, nothing is kept of it.
pub(super) fn settled<T, R>(outcome: Result<Outcome<T, R>, Stop<R>>) -> QueryResult<Outcome<T, R>> {
    match outcome {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(reason)) => Ok(Outcome::Refused(reason)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Runs a change under its key, in the transaction at hand: `[.await]` for PostgreSQL, `[]` for SQLite. `$change` is
/// what it left, or why there was nothing to change.
macro_rules! under_key {
    ($connection:expr, [$($wait:tt)*], $user:expr, $keyed:expr, $now:expr, $change:expr) => {{
        // Not imported: the change brings its own way to filter.
        use diesel::query_dsl::methods;
        use $crate::store::keys::{Outcome, Stop, as_text, expired_before, judged};
        use $crate::store::schema::idempotency_keys as keys;
        use $crate::store::timestamp::At;

        let (user, keyed, now) = (&$user, $keyed, $now);
        let claim = methods::FilterDsl::filter(
            diesel::insert_into(keys::table)
                .values((
                    keys::user_id.eq(user.as_str()),
                    keys::key.eq(keyed.key()),
                    keys::fingerprint.eq(keyed.fingerprint()),
                    keys::made_at.eq(At(now)),
                ))
                .on_conflict((keys::user_id, keys::key))
                .do_update()
                .set((
                    keys::fingerprint.eq(keyed.fingerprint()),
                    keys::made_at.eq(At(now)),
                    keys::outcome.eq(None::<String>),
                )),
            keys::made_at.lt(expired_before(now)),
        );
        let own = (keys::user_id.eq(user.as_str()), keys::key.eq(keyed.key()));
        if claim.execute($connection)$($wait)*? == 0 {
            let kept = methods::FilterDsl::filter(methods::FilterDsl::filter(keys::table, own.0), own.1);
            let kept = methods::SelectDsl::select(kept, (keys::fingerprint, keys::outcome));
            Ok(judged(keyed, kept.get_result($connection)$($wait)*.optional()?)?)
        } else {
            match $change {
                Ok(left) => {
                    let claimed = methods::FilterDsl::filter(diesel::update(keys::table), own.0);
                    let claimed = methods::FilterDsl::filter(claimed, own.1);
                    claimed.set(keys::outcome.eq(as_text(&left)?)).execute($connection)$($wait)*?;
                    Ok(Outcome::Made(left))
                }
                Err(reason) => Err(Stop::Refused(reason)),
            }
        }
    }};
}
pub(super) use under_key;

impl Store {
    /// The same store, for one request with a key: a change through it is made once, whatever is asked how often.
    #[must_use]
    pub fn under(&self, keyed: Keyed) -> Self {
        Self { keyed: Some(keyed), ..self.clone() }
    }

    /// Forgets keys that are past their time, the oldest first and not too many at once; answers how many they were.
    pub async fn sweep_keys(&self) -> Result<usize> {
        let before = expired_before(self.clock.now());
        let nth: Vec<At> = on_connection!(self, exclusive, |connection| keys::table
            .filter(keys::made_at.lt(before))
            .order(keys::made_at)
            .select(keys::made_at)
            .offset(BATCH)
            .limit(1)
            .load(connection))?;
        let before = nth.into_iter().next().unwrap_or(before);
        let swept = diesel::delete(keys::table.filter(keys::made_at.lt(before)));
        match &self.database {
            Database::Postgres(postgres) => {
                use diesel_async::RunQueryDsl;
                let pooled = postgres.exclusive().await?;
                Ok(postgres.run(&pooled.link, swept.execute(&mut &pooled.inner)).await?)
            }
            Database::Sqlite(sqlite) => {
                use diesel::RunQueryDsl;
                sqlite.write(move |connection| swept.execute(connection)).await
            }
        }
    }
}
