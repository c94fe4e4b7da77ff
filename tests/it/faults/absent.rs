//! A database that is not there when the service starts, and ones that can never do.

use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::process::Service;
use crate::support::caller::Caller;
use crate::support::cluster::Cluster;
use crate::support::{Database, Postgres};

#[tokio::test]
async fn an_absent_database_is_waited_for() {
    let mut cluster = Cluster::new();
    let service = Service::wait(Service::spawn(&cluster.url()));
    let (caller, address) = (Caller::new(), service.address.as_str());
    assert_eq!(caller.get(address, "/livez").await.status, 200);
    let ready = caller.get(address, "/readyz").await;
    assert_eq!(ready.error(), (503, "UNAVAILABLE"));
    let refused = caller.create(address, "too early").await;
    assert_eq!(refused.error(), (503, "UNAVAILABLE"));
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(refused.took < Duration::from_secs(1), "{:?}", refused.took);
    assert_eq!(caller.forged().get(address, "/api/tasks").await.status, 401);
    let query = json!({ "query": "{ viewer { revision } }" });
    let by_graphql = caller.call(Method::POST, address, "/graphql", Some(query)).await.unwrap();
    assert_eq!(by_graphql.body["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{}", by_graphql.body);
    cluster.start().await;
    let took = caller.until(address, "/readyz", 200).await;
    println!("ready {took:?} after the database came");
    assert_eq!(caller.create(address, "in time").await.status, 201);
}

#[tokio::test]
async fn a_database_that_can_never_do_ends_the_process() {
    let ascii = Database::created("ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0").await;
    let newer = Database::migrated(Postgres).await;
    let history = newer.connect().await;
    history.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')").await.unwrap();
    for (database, told) in [(&ascii, "encoding is SQL_ASCII"), (&newer, "newer taskgate")] {
        let output = Service::spawn(&database.text).wait_with_output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{log}");
        let sentence = log.lines().last().unwrap();
        assert!(sentence.starts_with("taskgate: ") && sentence.contains(told), "{log}");
    }
}
