//! Who is reset when tombstones are swept, and who is not.

use rstest::rstest;
use serde_json::Value;

use super::{page, short, text};
use crate::support::{Backend, Postgres, Sqlite, TestApp, start};

/// Makes so many tasks of ann's, named by their numbers.
async fn make(app: &TestApp, numbers: std::ops::Range<usize>) {
    for number in numbers {
        app.create("ann", &number.to_string()).await;
    }
}

/// Sweeps every tombstone there is.
async fn sweep_all(app: &TestApp) {
    app.clock.advance_seconds(31 * 24 * 3600);
    app.store.sweep().await.unwrap();
    assert_eq!(app.database.numbers("SELECT COUNT(*) FROM tasks WHERE deleted_at IS NOT NULL").await, [0]);
}

fn revision(page: &Value) -> &str {
    text(&page["revision"])
}

#[rstest]
#[tokio::test]
async fn a_place_before_what_was_swept_is_a_reset(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    make(&app, 1..4).await;
    let all = page(&app, "ann", "0", 50).await;
    app.delete("ann", "/api/tasks/1").await;
    let deletion = page(&app, "ann", revision(&all), 50).await;
    assert_eq!(short(&deletion), ["-1"]);
    app.create("ann", "4").await;
    sweep_all(&app).await;

    for since in ["1", text(&all["changes"][1]["revision"]), revision(&all)] {
        let reset = page(&app, "ann", since, 50).await;
        assert_eq!(short(&reset), ["!"], "{since}");
        assert_eq!(short(&page(&app, "ann", revision(&reset), 50).await), [""; 0], "it goes on from there");
    }
    assert_eq!(short(&page(&app, "ann", revision(&deletion), 50).await), ["+4"], "who was told of the deletion");
    assert_eq!(short(&page(&app, "ann", "0", 50).await), ["+2", "+3", "+4"]);
    app.create("bob", "bob's").await;
    assert_eq!(short(&page(&app, "bob", "1", 50).await), ["+bob's"], "bob had no tombstones");
}

/// Whoever began with nothing passes revisions below what was swept, and lacks nothing for it.
#[rstest]
#[tokio::test]
async fn a_reader_from_the_start_is_not_reset_for_what_it_never_saw(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    make(&app, 1..6).await;
    app.delete("ann", "/api/tasks/4").await;
    for is_swept_before in [true, false] {
        if is_swept_before {
            sweep_all(&app).await;
        } else {
            app.delete("ann", "/api/tasks/5").await;
        }
        let first = page(&app, "ann", "0", 1).await;
        assert_eq!(short(&first), ["+1"]);
        sweep_all(&app).await;
        let second = page(&app, "ann", revision(&first), 1).await;
        assert_eq!(short(&second), ["+2"], "swept before: {is_swept_before}");
        let by_change = text(&first["changes"][0]["revision"]);
        assert_eq!(page(&app, "ann", by_change, 1).await, second, "its change is the same place");
        let plain = revision(&first).split('.').next().unwrap();
        assert_eq!(short(&page(&app, "ann", plain, 1).await), ["!"], "who read the same long ago may have had more");
        let rest = page(&app, "ann", revision(&second), 50).await;
        let expected: &[&str] = if is_swept_before { &["+3", "+5"] } else { &["+3"] };
        assert_eq!(short(&rest), expected);
        assert!(!revision(&rest).contains('.'), "it has caught up");
    }
}

/// What is deleted once it has begun it may have seen, and has to be told of.
#[rstest]
#[tokio::test]
async fn a_reader_from_the_start_is_told_of_what_was_deleted_since(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    make(&app, 1..5).await;
    let first = page(&app, "ann", "0", 2).await;
    assert_eq!(short(&first), ["+1", "+2"]);
    app.delete("ann", "/api/tasks/1").await;
    assert_eq!(short(&page(&app, "ann", revision(&first), 50).await), ["+3", "+4", "-1"]);
    sweep_all(&app).await;
    assert_eq!(short(&page(&app, "ann", revision(&first), 50).await), ["!"]);
}
