//! What `dev` says once it listens.

use std::net::SocketAddr;

use crate::config::Config;
use crate::server;

/// The addresses, a token, and two lines for a shell: one makes a task by REST, one reads it by GraphQL.
pub(super) fn banner(config: &Config, address: SocketAddr, token: &str) -> String {
    let base = format!("http://{address}");
    let explorer = if server::has_explorer() {
        "/graphiql"
    } else {
        "/graphiql (from a CDN: this build has no explorer of its own, `scripts/explorer` makes one for the next)"
    };
    let pages = [
        ("All of it", "/", true),
        ("REST", "/api/tasks", true),
        ("GraphQL", "/graphql", true),
        ("Explorer", explorer, config.explore),
        ("API docs", "/docs", config.docs),
    ]
    .into_iter()
    .filter(|(_, _, is_there)| *is_there)
    .map(|(name, path, _)| format!("  {name:<9} {base}{path}\n"))
    .collect::<Vec<_>>()
    .concat();
    let database = &config.database.url;
    // What is to be copied begins in the first column and is one line, so that three clicks select it.
    format!(
        r#"taskgate is ready, with its tasks in {database}

{pages}
A token for the user dev, valid for 24 hours:

{token}

Make a task by REST:

curl -sS '{base}/api/tasks' -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{"title": "Buy milk"}}'

List the tasks by GraphQL:

curl -sS '{base}/graphql' -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{"query": "{{ tasks {{ totalCount nodes {{ id title completed }} }} }}"}}'

"#
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::config::Sources;

    fn config(explore: &str) -> Config {
        Config::for_dev(&Sources::new([("TASKGATE_EXPLORE", explore), ("TASKGATE_DOCS", explore)], [], [])).unwrap()
    }

    #[test]
    fn it_names_the_addresses_that_are_there() {
        let text = banner(&config("on"), "[::1]:4711".parse().unwrap(), "a.b.c");
        for path in ["/\n", "/api/tasks\n", "/graphql\n", "/graphiql", "/docs\n"] {
            assert!(text.contains(&format!("http://[::1]:4711{path}")), "{text}");
        }
        assert_eq!(text.contains("CDN"), !server::has_explorer(), "{text}");
        assert!(text.contains("sqlite://taskgate.db\n") && text.contains("\na.b.c\n"), "{text}");
        let text = banner(&config("off"), "127.0.0.1:8000".parse().unwrap(), "a.b.c");
        assert!(!text.contains("graphiql") && !text.contains("/docs"), "{text}");
    }

    /// A shell reads each line as it is meant: `curl` is replaced by a function that prints its arguments.
    #[test]
    fn its_lines_can_be_pasted_into_a_shell() {
        let text = banner(&config("on"), "[::1]:4711".parse().unwrap(), "a.b.c");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("curl ")).collect();
        let bodies =
            [r#"{"title": "Buy milk"}"#, r#"{"query": "{ tasks { totalCount nodes { id title completed } } }"}"#];
        assert_eq!(lines.len(), bodies.len(), "{text}");
        for ((line, path), body) in lines.into_iter().zip(["/api/tasks", "/graphql"]).zip(bodies) {
            let script = format!("curl() {{ printf '%s\\n' \"$@\"; }}\n{line}");
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            let url = format!("http://[::1]:4711{path}");
            let arguments =
                ["-sS", &url, "-H", "Authorization: Bearer a.b.c", "-H", "Content-Type: application/json", "-d", body];
            assert_eq!(String::from_utf8(output.stdout).unwrap().lines().collect::<Vec<_>>(), arguments);
            serde_json::from_str::<serde_json::Value>(body).unwrap();
        }
    }
}
