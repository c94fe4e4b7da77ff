//! The tables, once for both databases: see `migrations/`.

use diesel::{allow_tables_to_appear_in_same_query, joinable, table};

table! {
    /// Where each user's tasks stand.
    owners (user_id) {
        user_id -> Text,
        /// Rises with every change of the user's tasks.
        revision -> BigInt,
        /// How many tasks are not deleted.
        task_count -> BigInt,
        /// Up to which revision tombstones were swept.
        swept_revision -> BigInt,
    }
}

table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::store::timestamp::Instant;

    /// Tasks, and deleted tasks as their own tombstones.
    tasks (id) {
        id -> BigInt,
        user_id -> Text,
        title -> Text,
        description -> Nullable<Text>,
        completed -> Bool,
        created_at -> Instant,
        updated_at -> Instant,
        deleted_at -> Nullable<Instant>,
        /// The owner's revision at the last change.
        revision -> BigInt,
        title_folded -> Text,
        description_folded -> Nullable<Text>,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::store::timestamp::Instant;

    /// What requests with an idempotency key did.
    idempotency_keys (user_id, key) {
        user_id -> Text,
        key -> Text,
        /// Of the request that the key was used for.
        fingerprint -> Binary,
        made_at -> Instant,
        /// The task that the change left, as JSON. Null only inside the transaction that makes it.
        outcome -> Nullable<Text>,
    }
}

table! {
    /// Which task an imported one became whose id could not be kept.
    imported_ids (source_id) {
        source_id -> Text,
        task_id -> BigInt,
    }
}

joinable!(tasks -> owners (user_id));
allow_tables_to_appear_in_same_query!(imported_ids, owners, tasks);
