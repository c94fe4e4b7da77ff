//! `limit`, `cursor` and `Link`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::{Value, json};

use super::{path, problems, titles};
use crate::support::{Answer, Backend, Postgres, Sqlite, TestApp, start};

const SORTS: [&str; 6] = ["created_at", "-created_at", "updated_at", "-updated_at", "title", "-title"];

/// Where `Link` leads to, if there is more.
#[track_caller]
fn next(page: &Answer) -> Option<String> {
    let target = page.link("next")?;
    assert!(target.starts_with("/api/tasks?"), "{target}");
    Some(target)
}

/// The parameters of a reference.
fn parameters(target: &str) -> BTreeMap<String, String> {
    let url = url::Url::parse("http://localhost").unwrap().join(target).unwrap();
    url.query_pairs().into_owned().collect()
}

#[track_caller]
fn cursor(page: &Answer) -> String {
    parameters(&next(page).unwrap())["cursor"].clone()
}

/// All pages from `route` on, one after the other.
async fn walk(app: &TestApp, user: &str, route: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut at = Some(route.to_owned());
    while let Some(route) = at {
        let page = app.get(user, &route).await;
        pages.push(titles(&page));
        at = next(&page);
        assert!(pages.len() < 100, "{route} never ends");
    }
    pages
}

/// Seven tasks whose titles are equal in threes to order, some completed, last changed in another order than made.
async fn seven(backend: Backend) -> TestApp {
    let app = start(backend).await;
    for title in ["b", "B", "a", "\u{df}", "SS", "ss", "c"] {
        app.create("ann", title).await;
    }
    app.create("bob", "b").await;
    for id in [3, 1, 7, 2] {
        app.patch("ann", &format!("/api/tasks/{id}/complete"), json!({})).await;
    }
    app
}

#[rstest]
#[tokio::test]
async fn a_walk_shows_the_list_once_in_its_order(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = seven(backend).await;
    for sort in SORTS {
        for filter in ["", "&status=completed", "&search=s"] {
            let route = format!("/api/tasks?sort={sort}{filter}");
            let whole = titles(&app.get("ann", &route).await);
            for limit in [1, 3, 7] {
                let pages = walk(&app, "ann", &format!("{route}&limit={limit}")).await;
                let expected: Vec<Vec<String>> = whole.chunks(limit).map(<[String]>::to_vec).collect();
                assert_eq!(pages, expected, "{route} by {limit}");
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn ties_of_times_break_by_id(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = seven(backend).await;
    let same = "(SELECT min(created_at) FROM tasks)";
    app.database.execute(&format!("UPDATE tasks SET created_at = {same}, updated_at = {same}")).await.unwrap();
    let by_id = ["b", "B", "a", "\u{df}", "SS", "ss", "c"];
    for sort in ["created_at", "updated_at"] {
        for limit in [1, 2, 3] {
            let up = walk(&app, "ann", &format!("/api/tasks?sort={sort}&limit={limit}")).await.concat();
            assert_eq!(up, by_id, "{sort} by {limit}");
            let mut down = walk(&app, "ann", &format!("/api/tasks?sort=-{sort}&limit={limit}")).await.concat();
            down.reverse();
            assert_eq!(down, by_id, "-{sort} by {limit}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn link_is_relative_and_keeps_the_query(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let text = "\u{e9} & 100% a+b/c?d=#\"<>\u{1f600}";
    for _ in 0..3 {
        app.create("ann", text).await;
    }
    let mut sent: BTreeMap<String, String> =
        [("search", text), ("status", "pending"), ("sort", "-title"), ("limit", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&sent).finish();
    let mut route = format!("/api/tasks/?{query}");
    for _ in 0..2 {
        let page = app.get("ann", &route).await;
        assert_eq!(titles(&page), [text]);
        route = next(&page).unwrap();
        let mut kept = parameters(&route);
        let cursor = kept.remove("cursor").unwrap();
        assert_eq!(kept, sent);
        assert_ne!(sent.insert("cursor".to_owned(), cursor.clone()), Some(cursor));
        sent.remove("cursor");
    }
    let last = app.get("ann", &route).await;
    assert_eq!((titles(&last).len(), next(&last)), (1, None));
}

#[rstest]
#[tokio::test]
async fn the_longest_texts_fit_into_a_link(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    // Its folded form is three times as long.
    let title = "\u{390}".repeat(200);
    for _ in 0..3 {
        app.create("ann", &title).await;
    }
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("search", &title).finish();
    let pages = walk(&app, "ann", &format!("/api/tasks?sort=title&limit=1&{query}")).await;
    assert_eq!(pages, vec![[title]; 3]);
}

#[rstest]
#[tokio::test]
async fn a_full_last_page_has_no_link(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["a", "b", "c", "d"] {
        app.create("ann", title).await;
    }
    assert_eq!(walk(&app, "ann", "/api/tasks?limit=2&sort=title").await, [["a", "b"], ["c", "d"]]);
    assert_eq!(next(&app.get("ann", "/api/tasks?limit=4").await), None);
    assert!(next(&app.get("ann", "/api/tasks?limit=3").await).is_some());
    assert_eq!(next(&app.get("ann", "/api/tasks").await), None);
}

#[rstest]
#[tokio::test]
async fn a_cursor_is_a_place_and_not_a_page(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in ["a", "b", "c", "d"] {
        app.create("ann", title).await;
    }
    app.create("bob", "b2").await;
    let first = app.get("ann", "/api/tasks?sort=title&limit=2").await;
    let cursor = cursor(&first);
    let rest = async |user: &str, more: &str| {
        titles(&app.get(user, &format!("/api/tasks?sort=title&cursor={cursor}{more}")).await)
    };
    assert_eq!(rest("ann", "").await, ["c", "d"]);
    assert_eq!(rest("ann", "&limit=1").await, ["c"]);
    assert_eq!(rest("ann", "&limit=100").await, ["c", "d"]);
    assert_eq!(rest("ann", "&status=all&search=").await, ["c", "d"]);
    // It stands for a place only, so another's leads nowhere but to one's own.
    assert_eq!(rest("bob", "").await, ["b2"]);
    app.delete("ann", "/api/tasks/2").await;
    app.create("ann", "B").await;
    assert_eq!(rest("ann", "").await, ["B", "c", "d"]);
    app.put("ann", "/api/tasks/4", json!({ "title": "A" })).await;
    assert_eq!(rest("ann", "").await, ["B", "c"]);
}

#[rstest]
#[tokio::test]
async fn a_cursor_is_the_one_of_graphql(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = seven(backend).await;
    let query = "query ($by: TaskOrder) {
        tasks(first: 2, orderBy: $by, filter: { status: PENDING, search: \"S\" }) { pageInfo { endCursor } } }";
    for sort in SORTS {
        let (field, direction) = sort.strip_prefix('-').map_or((sort, "ASC"), |field| (field, "DESC"));
        let by = json!({ "by": { "field": field.to_uppercase(), "direction": direction } });
        let answer = app.graphql("ann", query, by).await;
        let page = app.get("ann", &format!("/api/tasks?status=pending&search=s&limit=2&sort={sort}")).await;
        assert_eq!(answer["data"]["tasks"]["pageInfo"]["endCursor"], json!(cursor(&page)), "{sort}: {answer}");
    }
}

#[rstest]
#[tokio::test]
async fn a_cursor_of_another_list_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = seven(backend).await;
    let lists = [
        "sort=-created_at",
        "sort=created_at",
        "sort=-updated_at",
        "sort=updated_at",
        "sort=title",
        "sort=-title",
        "status=pending",
        "status=completed",
        "search=s",
        "search=t",
        "search=s&status=pending",
        "search=s&sort=title",
    ];
    for list in lists {
        let own = app.get("ann", &format!("/api/tasks?limit=1&{list}")).await;
        let Some(_) = next(&own) else { continue };
        let cursor = cursor(&own);
        for other in lists {
            let answer = app.get("ann", &format!("/api/tasks?{other}&cursor={cursor}")).await;
            if other == list {
                assert_eq!(answer.status, 200, "{list}");
            } else {
                assert_eq!(problems(&answer), ["query.cursor cursor"], "{list} for {other}");
            }
        }
    }
    let cursor = cursor(&app.get("ann", "/api/tasks?limit=1").await);
    let refused = app.get("ann", &format!("/api/tasks?sort=title&cursor={cursor}")).await;
    assert_body!(refused, @r#"
    {
      "detail": "query.cursor: belongs to a list with another order or filter; start without it.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "query",
            "cursor"
          ],
          "msg": "belongs to a list with another order or filter; start without it",
          "type": "cursor"
        }
      ]
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_cursor_that_is_none_is_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = seven(backend).await;
    let long = "A".repeat(5_000);
    for garbage in
        ["", "abc", "1", "null", "!!!", "%00", "%FF", "%F0%9F%98%80", "AQAA", "====", "%20", "..%2F..", &long]
    {
        for sort in SORTS {
            let answer = app.get("ann", &format!("/api/tasks?sort={sort}&cursor={garbage}")).await;
            assert_eq!(problems(&answer), ["query.cursor cursor"], "{garbage} for {sort}");
        }
    }
    assert_body!(app.get("ann", "/api/tasks?cursor=abc").await, @r#"
    {
      "detail": "query.cursor: is not a cursor that this service gave out.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "query",
            "cursor"
          ],
          "msg": "is not a cursor that this service gave out",
          "type": "cursor"
        }
      ]
    }
    "#);
}

#[rstest]
#[tokio::test]
async fn a_cursor_that_was_tampered_with_is_refused_or_a_place(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = seven(backend).await;
    for sort in SORTS {
        let own = cursor(&app.get("ann", &format!("/api/tasks?limit=1&sort={sort}")).await);
        let bytes = URL_SAFE_NO_PAD.decode(&own).unwrap();
        let mut forged: Vec<Vec<u8>> = (0..bytes.len()).map(|length| bytes[..length].to_vec()).collect();
        forged.extend((0..bytes.len()).map(|at| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x80;
            bytes
        }));
        forged.push([&bytes[..], b"\0"].concat());
        forged.push([&bytes[..], b"\xff"].concat());
        // The sort key is last and takes eight bytes where it is a time; all of them are tried as one.
        let year = 31_556_952_000_000_i64;
        for time in
            [i64::MIN, i64::MAX, 0, -1, -year * 8_000, -year * 6_600, -year * 2_000, year * 7_900, year * 290_000]
        {
            let head = bytes.len().saturating_sub(8);
            forged.push([&bytes[..head], &time.to_be_bytes()].concat());
        }
        for bytes in forged {
            let cursor = URL_SAFE_NO_PAD.encode(&bytes);
            let answer = app.get("ann", &format!("/api/tasks?sort={sort}&cursor={cursor}")).await;
            if answer.status != 200 {
                assert_eq!(problems(&answer), ["query.cursor cursor"], "{sort}: {bytes:?}");
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_cursor_changes_nothing_about_what_a_page_is(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = seven(backend).await;
    let first = app.get("ann", "/api/tasks?limit=3").await;
    let second = app.get("ann", &next(&first).unwrap()).await;
    let whole = app.get("ann", "/api/tasks").await.json();
    let expected: Vec<Value> = whole.as_array().unwrap()[3..6].to_vec();
    assert_eq!(second.json(), json!(expected));
    assert_eq!(app.get("ann", &path(&expected[0])).await.json(), expected[0]);
}
