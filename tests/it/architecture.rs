//! A module knows what stands to its right, never to its left. See `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each module may know beside [`DOMAIN`]. What is not here yet is for whoever adds it to put in its place.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("fuzzing", &["auth", "graphql"]),
    ("cli", &["config", "telemetry", "server", "auth", "rest", "graphql", "store", "tls", "database_url", "transfer"]),
    ("config", &["server", "auth", "rest", "graphql", "store", "tls", "database_url"]),
    ("telemetry", &["config"]),
    ("server", &["auth", "rest", "budget", "graphql", "store"]),
    ("auth", &[]),
    // It runs operations on the schema, and knows nothing of the store.
    ("rest", &["budget", "graphql"]),
    ("budget", &["graphql"]),
    ("graphql", &["store"]),
    ("store", &["tls", "database_url"]),
    // Tasks on their way in and out, for the command line.
    ("transfer", &["store"]),
    ("tls", &["database_url"]),
    ("database_url", &[]),
];

/// Known to all, and knowing only each other.
const DOMAIN: &[&str] = &["error", "task", "user", "clock", "timing", "idempotency", "trace"];

/// Who may use a crate that brings a whole world along.
const CRATES: &[(&str, &[&str])] = &[
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("axum", &["server", "auth", "rest"]),
    ("tower_http", &["server"]),
    ("hyper", &["server"]),
    ("hyper_util", &["server"]),
    ("tokio_tungstenite", &["server"]),
    ("rustix", &["server"]),
    ("http", &["cli", "config", "server", "auth", "rest", "error", "idempotency", "trace"]),
    ("async_graphql", &["server", "rest", "graphql"]),
    ("async_graphql_value", &["graphql"]),
    ("async_graphql_axum", &["server"]),
    ("utoipa", &["server", "rest"]),
    ("apollo_compiler", &["graphql"]),
    ("diesel", &["store"]),
    ("diesel_async", &["store"]),
    ("diesel_migrations", &["store"]),
    ("bb8", &["store"]),
    ("tokio_postgres", &["store", "tls", "database_url"]),
    ("csv", &["transfer"]),
    ("indicatif", &["cli"]),
    ("jsonwebtoken", &["auth"]),
    ("governor", &["budget"]),
    ("prometheus_client", &["server", "graphql"]),
    ("opentelemetry", &["trace", "telemetry"]),
    ("opentelemetry_http", &["trace", "telemetry"]),
    ("opentelemetry_otlp", &["telemetry"]),
    ("opentelemetry_sdk", &["trace", "telemetry"]),
    ("tracing_opentelemetry", &["trace", "telemetry"]),
];

#[test]
fn modules_know_only_what_stands_to_their_right() {
    let files = sources();
    let table: BTreeMap<&str, &[&str]> = MAY_KNOW.iter().copied().collect();
    let mut wrong = BTreeSet::new();
    let mut edges = BTreeSet::new();
    for file in &files {
        let module = file.module();
        if module == "lib" {
            continue;
        }
        let is_domain = DOMAIN.contains(&module);
        let allowed = table.get(module).copied().unwrap_or_default();
        assert!(is_domain || table.contains_key(module), "{module} has no place in the table of this test");
        for known in known_modules(&file.text, file.path.len(), &names(&files)) {
            if known != module && !DOMAIN.contains(&known.as_str()) && !allowed.contains(&known.as_str()) {
                wrong.insert(format!("{} knows {known}", file.path.join("/")));
            }
            edges.insert((module.to_owned(), known));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The scan would find them: these are there.
    for (module, known) in [("server", "auth"), ("server", "rest"), ("rest", "graphql"), ("graphql", "store")] {
        assert!(edges.contains(&(module.to_owned(), known.to_owned())), "{module} does not know {known} any more");
    }
}

#[test]
fn crates_stay_where_they_belong() {
    let mut wrong = BTreeSet::new();
    for file in sources() {
        for (name, users) in CRATES {
            let is_user = users.contains(&file.module());
            if !is_user && paths(&file.text).iter().any(|path| path.first().is_some_and(|first| first == name)) {
                wrong.insert(format!("{} uses {name}", file.path.join("/")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_scan_finds_paths_however_they_are_written() {
    let modules = ["auth", "rest", "store", "graphql"].map(str::to_owned).into();
    let text = "
        use crate::auth::Viewer; // crate::graphql
        use crate::{rest, error::Error};
        /// [`crate::graphql`]
        fn f() -> crate::store::Page { \"//\"; todo!() }";
    assert_eq!(known_modules(text, 2, &modules), ["auth", "rest", "store"].map(str::to_owned).into());
    assert_eq!(known_modules("use super::super::store::X;", 2, &modules), ["store".to_owned()].into());
    assert_eq!(
        known_modules("use super::{\n    store::X,\n    rest,\n};", 1, &modules),
        ["store", "rest"].map(str::to_owned).into()
    );
    assert_eq!(known_modules("use super::store::X;", 2, &modules), BTreeSet::new(), "a neighbour of that name");
    assert_eq!(known_modules("$crate::store::sql::Bumped {}", 2, &modules), ["store".to_owned()].into());
}

/// A file of `src/`: its place as a module, and its text.
struct Source {
    path: Vec<String>,
    text: String,
}

impl Source {
    /// The module of the crate that it is, or is part of.
    fn module(&self) -> &str {
        &self.path[0]
    }
}

fn names(files: &[Source]) -> BTreeSet<String> {
    files.iter().map(|file| file.module().to_owned()).collect()
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let place = path.strip_prefix(&root).unwrap().with_extension("");
                let place = place.iter().map(|step| step.to_str().unwrap().to_owned()).collect();
                files.push(Source { path: place, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    assert!(files.len() > 30, "src/ was read");
    files
}

/// The modules of the crate that a file names, which stands so many steps below the root.
fn known_modules(text: &str, depth: usize, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for path in paths(text) {
        let supers = path.iter().take_while(|step| *step == "super").count();
        let of_the_crate = match path.first().map(String::as_str) {
            Some("crate" | "taskgate") => path.get(1),
            Some("super") if supers >= depth => path.get(supers),
            _ => None,
        };
        known.extend(of_the_crate.filter(|name| modules.contains(*name)).cloned());
    }
    known
}

/// The paths in a text, those of a group each for itself. Comments hold none.
fn paths(text: &str) -> Vec<Vec<String>> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut paths = Vec::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
        let (found, after) = path(&rest[at..]);
        paths.extend(found.into_iter().filter(|path| path.len() > 1));
        rest = after;
    }
    paths
}

/// The paths that begin here, and what follows them.
fn path(text: &str) -> (Vec<Vec<String>>, &str) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (step, rest) = text.split_at(end);
    let Some(tail) = rest.strip_prefix("::") else { return (vec![vec![step.to_owned()]], rest) };
    let (tails, rest) = match tail.strip_prefix('{') {
        Some(group) => members(group),
        None if tail.starts_with(|c: char| c.is_alphanumeric() || c == '_') => path(tail),
        None => (vec![Vec::new()], tail),
    };
    let with_step = |tail: Vec<String>| std::iter::once(step.to_owned()).chain(tail).collect();
    (tails.into_iter().map(with_step).collect(), rest)
}

/// The paths of a group, after its opening brace.
fn members(text: &str) -> (Vec<Vec<String>>, &str) {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\n', ',', '*']);
        if rest.is_empty() {
            return (all, rest);
        }
        if let Some(after) = rest.strip_prefix('}') {
            return (all, after);
        }
        if !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return (all, rest);
        }
        let (found, after) = path(rest);
        all.extend(found);
        rest = after
            .strip_prefix(" as ")
            .map_or(after, |alias| alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
    }
}
