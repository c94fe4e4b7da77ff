//! What no caller may read in an error: what went wrong inside, and what the service is made of.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What gives away the inside, by what it is.
const PATTERNS: [(&str, &str); 8] = [
    (
        "SQL",
        r"\b(SELECT\b.+\bFROM|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|(CREATE|ALTER|DROP)\s+TABLE|RETURNING\b.+\w|ON\s+CONFLICT|PRAGMA\s|SQLSTATE)",
    ),
    (
        "a path",
        r"(^|[^\w:/.])/(dev|etc|home|nix|opt|proc|root|run|src|srv|tmp|usr|var|work)/\w|\w/\w+\.(rs|sql|db|toml|pem)\b|\.rs:\d+",
    ),
    ("a panic", r"panicked|unwrap\(\)|RUST_BACKTRACE|stack backtrace"),
    ("a type", r"\b[A-Za-z_]\w*::[A-Za-z_]\w*|\b(Database|Connect|Io|Run|Diesel|Serde)Error\b|Some\(|Err\("),
    ("a connection string", r"\b(postgres|postgresql|sqlite|mysql)://|\bfile:|\b(host|user|password|dbname)=\S"),
    (
        "a library",
        r"(?i)\b(diesel|sqlite|libsqlite|postgres|postgresql|pgbouncer|tokio|hyper|bb8|rustls|reqwest|jsonwebtoken|axum|serde_json|async[-_]graphql|apollo)\b",
    ),
    ("an error of the system", r"(?i)os error|no such file|connection (refused|reset|closed)|broken pipe|errno"),
    (
        "an error of a database",
        r"(?i)deadlock|database is locked|disk (i/o|is full)|constraint|relation |duplicate key|syntax error at|statement timeout|prepared statement",
    ),
];

/// The names of our tables, columns, indices and constraints that callers do not know from elsewhere.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let public =
        fs::read_to_string(root.join("schema.graphql")).unwrap() + taskgate::server::openapi_document().unwrap();
    let is_public = |name: &String| Regex::new(&format!(r"\b{name}\b")).unwrap().is_match(&public);
    let word = Regex::new(r"\b[a-z]+(_[a-z]+)*\b").unwrap();
    let comment = Regex::new("--.*").unwrap();
    let mut names = BTreeSet::new();
    for database in ["postgres", "sqlite"] {
        for migration in fs::read_dir(root.join("migrations").join(database)).unwrap() {
            let text = fs::read_to_string(migration.unwrap().path().join("up.sql")).unwrap();
            // Whatever SQL itself has is written in capitals, but for functions.
            names.extend(word.find_iter(&comment.replace_all(&text, "")).map(|name| name.as_str().to_owned()));
        }
    }
    let mut names: Vec<String> = names.into_iter().filter(|name| name.len() > 5 && !is_public(name)).collect();
    names.extend(["user_id", "deleted_at"].map(str::to_owned));
    names
});

static COMPILED: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let names = ("a name of the database", Regex::new(&format!(r"\b({})\b", NAMES.join("|"))).unwrap());
    PATTERNS.iter().map(|(what, pattern)| (*what, Regex::new(pattern).unwrap())).chain([names]).collect()
});

/// What an error gives away that its caller did not say: an answer may repeat words of the request.
pub fn found(answer: &str, request: &str) -> Option<String> {
    COMPILED.iter().find_map(|(what, pattern)| {
        let mut matches = pattern.find_iter(answer).map(|found| found.as_str());
        matches.find(|found| !request.contains(*found)).map(|found| format!("{what}: {found:?}"))
    })
}

/// Fails when an answer with an error in it gives something away. What is compressed is not looked at.
#[track_caller]
pub fn check(status: u16, body: &[u8], request: &str) {
    let text = String::from_utf8_lossy(body);
    if status < 400 && !has_errors(body) {
        return;
    }
    if let Some(found) = found(&sentences(&text), request) {
        panic!("an answer gives away {found}: {status} {text}, asked by {request:?}");
    }
}

fn has_errors(body: &[u8]) -> bool {
    body.starts_with(b"{") && serde_json::from_slice(body).is_ok_and(|body: Value| body.get("errors").is_some())
}

/// The strings of JSON, as they are read; of a GraphQL answer those of its errors, because data is the caller's own.
fn sentences(text: &str) -> String {
    let Ok(body) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let mut all = String::new();
    match body.get("data") {
        Some(_) => collect(&body["errors"], &mut all),
        None => collect(&body, &mut all),
    }
    all
}

fn collect(value: &Value, all: &mut String) {
    match value {
        Value::String(text) => {
            all.push_str(text);
            all.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, all)),
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            all.push_str(name);
            all.push('\n');
            collect(member, all);
        }),
        _ => {}
    }
}
