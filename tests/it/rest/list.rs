//! `GET /api/tasks`: which tasks, and what its query may hold.

use rstest::rstest;
use serde_json::json;

use super::{exactly, path, problems, titles};
use crate::support::{Backend, Postgres, Sqlite, TestApp, start};

/// Four tasks of ann's, of which "milk" and "tea" are completed, and one of bob's.
async fn five(backend: Backend) -> TestApp {
    let app = start(backend).await;
    for title in ["milk", "bread", "tea", "Milky way"] {
        let task = app.create("ann", title).await;
        if ["milk", "tea"].contains(&title) {
            app.patch("ann", &format!("{}/complete", path(&task)), json!({})).await;
        }
    }
    app.create("bob", "milk").await;
    app
}

#[rstest]
#[tokio::test]
async fn a_user_without_tasks_gets_an_empty_array(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    app.create("bob", "milk").await;
    for query in ["", "?", "?status=all", "?limit=1", "?search=milk", "?sort=title&limit=100"] {
        let answer = app.get("ann", &format!("/api/tasks{query}")).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "[]".to_owned()), "{query}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.link("next"), None, "{query}");
        assert!(answer.headers.contains_key("etag"), "{query}");
    }
}

#[rstest]
#[tokio::test]
async fn it_is_a_bare_array_of_exact_tasks_newest_first(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let mut texts = Vec::new();
    for description in [json!(null), json!("2 l"), json!("")] {
        let body = json!({ "title": "milk", "description": description });
        texts.insert(0, exactly(&app.post("ann", "/api/tasks", body).await.json()));
    }
    let list = app.get("ann", "/api/tasks").await;
    assert_eq!(list.text(), format!("[{}]", texts.join(",")));
    assert_eq!(list.link("next"), None);
}

#[rstest]
#[tokio::test]
async fn without_a_limit_it_is_all_of_them(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for n in 0..120 {
        app.create("ann", &format!("{n}")).await;
    }
    let newest_first: Vec<String> = (0..120).rev().map(|n| n.to_string()).collect();
    let all = app.get("ann", "/api/tasks").await;
    assert_eq!(titles(&all), newest_first);
    assert_eq!(all.link("next"), None);
    let page = app.get("ann", "/api/tasks?limit=100").await;
    assert_eq!(titles(&page), newest_first[..100]);
    assert!(page.link("next").is_some());
}

#[rstest]
#[tokio::test]
async fn status_and_search_narrow(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = five(backend).await;
    let cases: [(&str, &[&str]); 14] = [
        ("", &["Milky way", "tea", "bread", "milk"]),
        ("?status=all", &["Milky way", "tea", "bread", "milk"]),
        ("?status=pending", &["Milky way", "bread"]),
        ("?status=completed", &["tea", "milk"]),
        ("?search=MILK", &["Milky way", "milk"]),
        ("?search=MILK&status=completed", &["milk"]),
        ("?status=pending&search=milk", &["Milky way"]),
        ("?status=completed&search=bread", &[]),
        ("?status=completed&sort=title", &["milk", "tea"]),
        ("?status=pending&sort=-title&search=", &["Milky way", "bread"]),
        ("?search=e&sort=title&status=all", &["bread", "tea"]),
        ("?search=e&sort=-title&status=all&limit=1", &["tea"]),
        ("?%73tatus=%63ompleted", &["tea", "milk"]),
        ("?status=completed&", &["tea", "milk"]),
    ];
    for (query, expected) in cases {
        assert_eq!(titles(&app.get("ann", &format!("/api/tasks{query}")).await), expected, "{query}");
    }
}

#[rstest]
#[tokio::test]
async fn parameters_that_it_does_not_know_are_ignored(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = five(backend).await;
    let plain = app.get("ann", "/api/tasks").await;
    for query in ["?_=1", "?user_id=bob", "?page=2&page=3", "?offset=1", "?Status=pending", "?limit[]=1", "?&&", "?="] {
        let answer = app.get("ann", &format!("/api/tasks{query}")).await;
        assert_eq!((answer.text(), answer.header("etag")), (plain.text(), plain.header("etag")), "{query}");
    }
}

#[rstest]
#[tokio::test]
async fn values_that_mean_nothing_are_refused(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = five(backend).await;
    let too_long = format!("search={}", "x".repeat(201));
    let too_many = "limit=340282366920938463463374607431768211456";
    let cases: Vec<(&str, &[&str])> = vec![
        ("status=done", &["query.status enum"]),
        ("status=", &["query.status enum"]),
        ("status", &["query.status enum"]),
        ("status=Pending", &["query.status enum"]),
        ("status=pending%20", &["query.status enum"]),
        ("status=null", &["query.status enum"]),
        ("status=%00", &["query.status enum"]),
        ("sort=id", &["query.sort enum"]),
        ("sort=", &["query.sort enum"]),
        ("sort=-", &["query.sort enum"]),
        ("sort=--title", &["query.sort enum"]),
        ("sort=%2Btitle", &["query.sort enum"]),
        ("sort=Title", &["query.sort enum"]),
        ("sort=title,created_at", &["query.sort enum"]),
        ("sort=title;DROP%20TABLE%20tasks", &["query.sort enum"]),
        ("sort=description", &["query.sort enum"]),
        ("limit=0", &["query.limit out_of_range"]),
        ("limit=101", &["query.limit out_of_range"]),
        ("limit=-1", &["query.limit out_of_range"]),
        ("limit=1.5", &["query.limit out_of_range"]),
        ("limit=abc", &["query.limit out_of_range"]),
        ("limit=", &["query.limit out_of_range"]),
        ("limit=%2B1", &["query.limit out_of_range"]),
        ("limit=%201", &["query.limit out_of_range"]),
        ("limit=1e1", &["query.limit out_of_range"]),
        ("limit=257", &["query.limit out_of_range"]),
        ("limit=%D9%A1", &["query.limit out_of_range"]),
        (too_many, &["query.limit out_of_range"]),
        (&too_long, &["query.search string_too_long"]),
        ("search=mi%00lk", &["query.search string_nul"]),
        ("search=%00", &["query.search string_nul"]),
        ("status=all&status=all", &["query.status given_twice"]),
        ("limit=1&limit=2", &["query.limit given_twice"]),
        ("sort=title&sort=title", &["query.sort given_twice"]),
        ("search=&search=", &["query.search given_twice"]),
        ("cursor=a&cursor=b", &["query.cursor given_twice"]),
        ("limit=1&status=all&limit=2&status=all", &["query.limit given_twice", "query.status given_twice"]),
        ("limit=0&sort=id&status=done", &["query.status enum", "query.sort enum", "query.limit out_of_range"]),
    ];
    for (query, expected) in cases {
        let answer = app.get("ann", &format!("/api/tasks?{query}")).await;
        assert_eq!(problems(&answer), expected, "{query}");
    }
}

#[rstest]
#[tokio::test]
async fn a_refusal_says_what_may_be_sent(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let refused = async |query: &str| app.get("ann", &format!("/api/tasks?{query}")).await;
    assert_body!(refused("status=done&sort=id&limit=0").await, @r#"
    {
      "detail": "query.status: must be one of all, pending, completed; query.sort: must be one of created_at, updated_at, title, with a leading - for descending; query.limit: must be a whole number from 1 to 100.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "query",
            "status"
          ],
          "msg": "must be one of all, pending, completed",
          "type": "enum"
        },
        {
          "loc": [
            "query",
            "sort"
          ],
          "msg": "must be one of created_at, updated_at, title, with a leading - for descending",
          "type": "enum"
        },
        {
          "loc": [
            "query",
            "limit"
          ],
          "msg": "must be a whole number from 1 to 100",
          "type": "out_of_range"
        }
      ]
    }
    "#);
    assert_body!(refused("limit=1&limit=2").await, @r#"
    {
      "detail": "query.limit: must be given once.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "query",
            "limit"
          ],
          "msg": "must be given once",
          "type": "given_twice"
        }
      ]
    }
    "#);
    assert_body!(refused(&format!("search={}", "x".repeat(201))).await, @r#"
    {
      "detail": "query.search: must have at most 200 characters.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "query",
            "search"
          ],
          "msg": "must have at most 200 characters",
          "type": "string_too_long"
        }
      ]
    }
    "#);
    assert_body!(refused("search=%00").await, @r#"
    {
      "detail": "query.search: must not contain a NUL character.",
      "code": "VALIDATION_ERROR",
      "errors": [
        {
          "loc": [
            "query",
            "search"
          ],
          "msg": "must not contain a NUL character",
          "type": "string_nul"
        }
      ]
    }
    "#);
}
