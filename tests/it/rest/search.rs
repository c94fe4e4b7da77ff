//! `search`: case-insensitive for all of Unicode, over title and description, without wildcards.

use rstest::rstest;
use serde_json::json;

use super::titles;
use crate::support::{Backend, Postgres, Sqlite, TestApp, start};

async fn found(app: &TestApp, needle: &str) -> Vec<String> {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("search", needle).finish();
    titles(&app.get("ann", &format!("/api/tasks?sort=created_at&{query}")).await)
}

#[rstest]
#[tokio::test]
async fn case_is_that_of_all_of_unicode(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for title in [
        "Milk",
        "Stra\u{df}e",
        "GRO\u{1e9e}",
        "FASS",
        "\u{3a3}\u{38a}\u{3a3}\u{3a5}\u{3a6}\u{39f}\u{3a3}",
        "Caf\u{e9}",
        "\u{41c}\u{43e}\u{43b}\u{43e}\u{43a}\u{43e}",
        "\u{fb01}sh",
        "\u{130}stanbul",
        "\u{212a}elvin",
        "\u{1f600} Emoji",
        "\u{10400}",
        "\u{13a0}",
        "\u{1c4}",
    ] {
        app.create("ann", title).await;
    }
    let cases: [(&[&str], &[&str]); 13] = [
        (&["milk", "MILK", "mIlK", "il"], &["Milk"]),
        (&["stra\u{df}e", "STRASSE", "strasse", "STRA\u{1e9e}E"], &["Stra\u{df}e"]),
        (&["ss", "SS", "\u{df}", "\u{1e9e}", "\u{17f}\u{17f}"], &["Stra\u{df}e", "GRO\u{1e9e}", "FASS"]),
        (
            &[
                "\u{3c3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}",
                "\u{3c2}\u{3af}\u{3c2}\u{3c5}\u{3c6}\u{3bf}\u{3c3}",
                "\u{3a3}",
                "\u{3c3}",
                "\u{3c2}",
            ],
            &["\u{3a3}\u{38a}\u{3a3}\u{3a5}\u{3a6}\u{39f}\u{3a3}"],
        ),
        (&["caf\u{e9}", "CAF\u{c9}", "\u{c9}"], &["Caf\u{e9}"]),
        // Case is not accents, nor how a character is composed.
        (&["cafe", "cafe\u{301}"], &[]),
        (
            &["\u{43c}\u{43e}\u{43b}\u{43e}\u{43a}\u{43e}", "\u{41c}\u{41e}\u{41b}\u{41e}\u{41a}\u{41e}", "\u{41b}"],
            &["\u{41c}\u{43e}\u{43b}\u{43e}\u{43a}\u{43e}"],
        ),
        (&["FISH", "fish", "\u{fb01}SH"], &["\u{fb01}sh"]),
        (&["\u{130}STANBUL", "i\u{307}stanbul", "STANBUL"], &["\u{130}stanbul"]),
        (&["kelvin", "KELVIN", "\u{212a}"], &["\u{212a}elvin"]),
        (&["\u{1f600}", "\u{1f600} EMOJI"], &["\u{1f600} Emoji"]),
        (&["\u{10428}", "\u{10400}"], &["\u{10400}"]),
        (&["\u{1c5}", "\u{1c6}"], &["\u{1c4}"]),
    ];
    for (needles, expected) in cases {
        for needle in needles {
            let expected: Vec<&str> = match *needle {
                "\u{212a}" => vec!["Milk", "\u{212a}elvin"],
                _ => expected.to_vec(),
            };
            assert_eq!(found(&app, needle).await, expected, "{needle}");
        }
    }
    assert_eq!(found(&app, "\u{ab70}").await, ["\u{13a0}"]);
}

#[rstest]
#[tokio::test]
async fn no_character_is_a_wildcard(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let titled = ["plain", "100% wool", "snake_case", "back\\slash", "a.*[b]?^$", "it's \"quoted\"", "a+b", "a b; --"];
    for title in titled {
        app.create("ann", title).await;
    }
    let cases: [(&str, &[&str]); 20] = [
        ("%", &["100% wool"]),
        ("100%", &["100% wool"]),
        ("%wool", &[]),
        ("_", &["snake_case"]),
        ("snake_", &["snake_case"]),
        ("snake__ase", &[]),
        ("\\", &["back\\slash"]),
        ("\\\\", &[]),
        ("\\%", &[]),
        ("*", &["a.*[b]?^$"]),
        (".", &["a.*[b]?^$"]),
        ("[b]", &["a.*[b]?^$"]),
        ("?", &["a.*[b]?^$"]),
        ("'", &["it's \"quoted\""]),
        ("\"", &["it's \"quoted\""]),
        ("+", &["a+b"]),
        ("a b", &["a b; --"]),
        ("; --", &["a b; --"]),
        ("' OR '1'='1", &[]),
        (" ", &["100% wool", "it's \"quoted\"", "a b; --"]),
    ];
    for (needle, expected) in cases {
        assert_eq!(found(&app, needle).await, expected, "{needle}");
    }
    assert_eq!(titles(&app.get("ann", "/api/tasks?search=a+b").await), ["a b; --"]);
    assert_eq!(titles(&app.get("ann", "/api/tasks?search=a%2Bb").await), ["a+b"]);
}

#[rstest]
#[tokio::test]
async fn title_and_description_are_searched_each_for_itself(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    for (title, description) in [
        ("both milk", json!("MILK")),
        ("title milk", json!(null)),
        ("description", json!("Stra\u{df}e, milk")),
        ("none", json!("")),
    ] {
        app.post("ann", "/api/tasks", json!({ "title": title, "description": description })).await;
    }
    app.post("bob", "/api/tasks", json!({ "title": "bob's", "description": "milk" })).await;
    assert_eq!(found(&app, "milk").await, ["both milk", "title milk", "description"]);
    assert_eq!(found(&app, "STRASSE, M").await, ["description"]);
    for bridging in ["milkmilk", "milk\nmilk", "milk milk", "null"] {
        assert_eq!(found(&app, bridging).await, [""; 0], "{bridging}");
    }
    app.put("ann", "/api/tasks/3", json!({ "description": "tea" })).await;
    assert_eq!(found(&app, "milk").await, ["both milk", "title milk"]);
    assert_eq!(found(&app, "TEA").await, ["description"]);
    app.put("ann", "/api/tasks/3", json!({ "description": null, "title": "MILKY" })).await;
    assert_eq!(found(&app, "tea").await, [""; 0]);
    assert_eq!(found(&app, "milk").await, ["both milk", "title milk", "MILKY"]);
}

#[rstest]
#[tokio::test]
async fn an_empty_search_is_in_every_text_and_a_long_one_has_a_bound(#[values(Sqlite, Postgres)] backend: Backend) {
    let app = start(backend).await;
    let long = "\u{df}".repeat(200);
    for title in ["milk", &long, &"\u{1f600}".repeat(200)] {
        app.create("ann", title).await;
    }
    assert_eq!(found(&app, "").await.len(), 3);
    assert_eq!(found(&app, &long).await, [long.as_str()]);
    assert_eq!(found(&app, &"s".repeat(200)).await, [long.as_str()]);
    assert_eq!(found(&app, &"\u{1f600}".repeat(200)).await.len(), 1);
    assert_eq!(found(&app, &"%".repeat(200)).await.len(), 0);
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("search", &"\u{1f600}".repeat(201)).finish();
    let refused = app.get("ann", &format!("/api/tasks?{query}")).await;
    assert_eq!(super::problems(&refused), ["query.search string_too_long"]);
}
