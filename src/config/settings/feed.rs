//! The settings of the group [`FEED`].

use super::{Group, Setting};

/// The feed of changes.
pub const FEED: Group = Group { heading: "Feed of changes", settings: &[&TASKGATE_TOMBSTONE_RETENTION] };

pub const TASKGATE_TOMBSTONE_RETENTION: Setting = Setting {
    variable: "TASKGATE_TOMBSTONE_RETENTION",
    flag: "tombstone-retention",
    value: "TIME",
    default: Some("30d"),
    help: "How long it is remembered that a task was deleted; a client that stays away longer has to fetch everything \
           again",
};
