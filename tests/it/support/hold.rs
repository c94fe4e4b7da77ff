//! A database that makes its callers wait.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use taskgate::database_url::DatabaseUrl;
use tokio_postgres::Client;

use super::Database;

/// As long as this is there, nobody else changes a task; on PostgreSQL nobody reads one either.
pub enum Hold {
    Postgres(Client),
    Sqlite(SqliteConnection),
}

impl Hold {
    pub async fn release(self) {
        match self {
            Self::Postgres(client) => client.batch_execute("ROLLBACK").await.unwrap(),
            Self::Sqlite(connection) => drop(connection),
        }
    }
}

impl Database {
    pub async fn hold(&self) -> Hold {
        match &self.url {
            DatabaseUrl::Postgres(_) => {
                let client = self.connect().await;
                client.batch_execute("BEGIN; LOCK TABLE owners").await.unwrap();
                Hold::Postgres(client)
            }
            DatabaseUrl::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                connection.batch_execute("BEGIN IMMEDIATE").unwrap();
                Hold::Sqlite(connection)
            }
        }
    }
}
