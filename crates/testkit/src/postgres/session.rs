//! A connection that a test holds beside those of the program under test.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Error, NoTls, SimpleQueryMessage};

/// Blocking, since what it stands beside is seen from outside. Closed when it is dropped.
pub struct Session {
    client: Client,
    /// One thread, on which the connection is driven.
    runtime: Runtime,
}

impl Session {
    /// # Panics
    ///
    /// Where the machine has no thread left.
    pub fn open(url: &str) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime of one thread");
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls))?;
        runtime.handle().spawn(connection);
        Ok(Self { client, runtime })
    }

    /// Several statements, with semicolons between.
    pub fn execute(&self, sql: &str) -> Result<(), Error> {
        self.runtime.block_on(self.client.batch_execute(sql))
    }

    /// The first column of the first row.
    pub fn number(&self, sql: &str) -> Result<u64, Error> {
        let rows = self.runtime.block_on(self.client.simple_query(sql))?;
        let number = rows.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        });
        Ok(number.unwrap_or_default())
    }
}
