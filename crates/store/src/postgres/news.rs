//! Processes tell each other of runs: never within a transaction, which would make writers wait for each other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio_postgres::{AsyncMessage, NoTls};
use uuid::Uuid;

use super::Postgres;
use super::service::failed;
use crate::{Error, RunNews};

/// The pause before a connection that ended is made again.
const PAUSE: Duration = Duration::from_secs(1);

impl Postgres {
    /// On a connection of its own, which is made again where it ends.
    pub(crate) fn hear(
        self: &Arc<Self>,
        own: Uuid,
        heard: impl Fn(RunNews) + Send + Sync + 'static,
    ) {
        let config = self.pool.config().clone();
        let closed = self.pool.closed();
        let own = own.to_string();
        self.pool.spawn(async move {
            let hearing = async {
                loop {
                    if let Err(error) = hear(&config, &own, &heard).await {
                        tracing::debug!(error = %error, "what others tell of runs is not heard now");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            };
            closed.run_until_cancelled(hearing).await;
        });
    }

    pub(crate) async fn tell_others(&self, own: Uuid, steered: &[Uuid]) -> Result<(), Error> {
        let connection = self.pool.shared().await?;
        // Nothing is lost where a crash forgets it, so it need not wait for the disk.
        let sql =
            "SELECT set_config('synchronous_commit', 'off', true), pg_notify('gantry_run', $1)";
        let mut word = own.to_string();
        for run in steered {
            word.push(' ');
            word.push_str(&run.to_string());
        }
        let told = connection.client.query(sql, &[&word]).await;
        told.map(drop).map_err(failed)
    }
}

async fn hear(
    config: &tokio_postgres::Config,
    own: &str,
    heard: &impl Fn(RunNews),
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(NoTls).await?;
    let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
    let listening = async {
        client.batch_execute("LISTEN gantry_run").await?;
        // What was told meanwhile was not heard.
        heard(RunNews::Missed);
        // Holds the client, with which the connection ends.
        std::future::pending::<Result<(), tokio_postgres::Error>>().await
    };
    let hearing = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(told) = message?
                && let Some(runs) = read(told.payload(), own)
            {
                heard(RunNews::Told(runs));
            }
        }
        Ok(())
    };
    tokio::select! {
        done = listening => done,
        done = hearing => done,
    }
}

/// The runs that another process told of.
fn read(word: &str, own: &str) -> Option<Vec<Uuid>> {
    let mut words = word.split(' ');
    let others = words.next() != Some(own);
    let runs = words.filter_map(|word| word.parse().ok());
    others.then(|| runs.collect())
}
