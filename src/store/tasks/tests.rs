use diesel::sql_types::Text;
use diesel::sqlite::Sqlite as DB;
use diesel::{QueryableByName, RunQueryDsl as _};

use super::*;
use crate::database_url::DatabaseUrl;
use crate::store::migrate;
use crate::store::sqlite::open;

/// A line of `EXPLAIN QUERY PLAN`.
#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// In the table, each task of a page is on a page of the file of its own, and what is sorted or kept is written once more.
#[tokio::test]
async fn sqlite_lists_what_was_made_without_a_look_at_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tasks.db");
    migrate::run(&DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap()).await.unwrap();
    let mut connection = open(&path).unwrap();
    let place = Key { sort: SortKey::Time(Timestamp::from_micros(1)), id: TaskId(1) };
    for (after, before, completed, direction) in [
        (None, None, None, Direction::Descending),
        (Some(&place), None, None, Direction::Descending),
        (Some(&place), Some(&place), Some(true), Direction::Ascending),
    ] {
        let request = PageRequest {
            user: UserId::parse("ann").unwrap(),
            filter: Filter { completed, search: None },
            field: SortField::CreatedAt,
            direction,
            after: after.cloned(),
            before: before.cloned(),
            limit: Some(50),
            from_end: false,
        };
        // Without what debug_query adds: parameters that are not bound are NULL.
        let text = diesel::debug_query::<DB, _>(&page_query!(&request)).to_string();
        let statement = text.split(" -- binds").next().unwrap();
        let steps: Vec<Step> =
            diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load(&mut connection).unwrap();
        let plan: Vec<&str> = steps.iter().map(|step| step.detail.as_str()).collect();
        let is_covered = |step: &&str| step.starts_with("SEARCH tasks USING COVERING INDEX tasks_by_creation");
        let is_kept = |step: &&str| step.contains("TEMP B-TREE") || step.contains("MATERIALIZE");
        assert!(plan.iter().any(is_covered) && !plan.iter().any(is_kept), "{plan:#?}");
    }
}
