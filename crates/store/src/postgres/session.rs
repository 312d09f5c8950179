//! One connection: its prepared statements, the warnings it heard, and how it pipelines.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tokio::runtime::Handle;
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Statement};

use super::wire::{read_row, translate};
use crate::error::StoreError;
use crate::statement::Texts;
use crate::step::{Done, Step};

pub(super) struct Session {
    client: Client,
    prepared: HashMap<String, Statement>,
    /// Set by the connection's task when the server warns.
    warned: Arc<AtomicBool>,
}

type Work<'a> = Pin<Box<dyn Future<Output = Result<Done, StoreError>> + Send + 'a>>;

impl Session {
    pub(super) async fn connect(config: &Config, runtime: &Handle) -> Result<Session, StoreError> {
        let (client, mut connection) = config.connect(NoTls).await.map_err(translate)?;
        let warned = Arc::new(AtomicBool::new(false));
        let warn = Arc::clone(&warned);
        runtime.spawn(async move {
            // Ends when the client is dropped or the connection is lost; the client sees both.
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notice(notice) = message
                    && notice.parsed_severity() == Some(Severity::Warning)
                {
                    warn.store(true, Ordering::SeqCst);
                }
            }
        });
        Ok(Session { client, prepared: HashMap::new(), warned })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs a text of one or more statements that answers nothing.
    pub(super) async fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.client.batch_execute(text).await.map_err(translate)
    }

    /// Commits. A warning on the way makes the outcome unknown.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        self.warned.store(false, Ordering::SeqCst);
        self.batch("COMMIT").await?;
        if self.warned.load(Ordering::SeqCst) {
            let text = "the server warned while it committed, it might not have been replicated";
            return Err(StoreError::UnknownOutcome(text.to_owned()));
        }
        Ok(())
    }

    /// Runs `first` and all steps in order in one round trip, after preparing what is new.
    pub(super) async fn run(
        &mut self,
        first: Option<&'static str>,
        steps: &[Step<'_>],
    ) -> Result<Vec<Done>, StoreError> {
        let mut texts = Vec::with_capacity(steps.len());
        for step in steps {
            texts.push(match step.nothing_to_do()? {
                Some(done) => Err(done),
                None => Ok(self.prepare(step.texts()).await?),
            });
        }
        let client = &self.client;
        let mut work: Vec<Work<'_>> = Vec::with_capacity(steps.len() + 1);
        if let Some(first) = first {
            work.push(Box::pin(async move {
                client.batch_execute(first).await.map_err(translate)?;
                Ok(Done::Count(0))
            }));
        }
        for (step, text) in steps.iter().zip(texts) {
            work.push(match text {
                Ok(statement) => Box::pin(run_one(client, statement, step)),
                Err(done) => Box::pin(async move { Ok(done) }),
            });
        }
        let mut done = in_order(work).await?;
        if first.is_some() {
            done.remove(0);
        }
        Ok(done)
    }

    pub(super) async fn prepare(&mut self, texts: &dyn Texts) -> Result<Statement, StoreError> {
        if let Some(statement) = self.prepared.get(texts.postgres()) {
            return Ok(statement.clone());
        }
        let prepared = self.client.prepare(texts.postgres()).await;
        let statement = prepared.map_err(|error| translate(error).of(texts.name()))?;
        self.prepared.insert(texts.postgres().to_owned(), statement.clone());
        Ok(statement)
    }
}

async fn run_one(
    client: &Client,
    statement: Statement,
    step: &Step<'_>,
) -> Result<Done, StoreError> {
    let parameters: Vec<&(dyn ToSql + Sync)> = match step {
        Step::Query(_, values) | Step::Execute(_, values) => {
            values.iter().map(|v| v as _).collect()
        }
        Step::Bulk(_, columns) | Step::Load(_, columns) => columns.iter().map(|c| c as _).collect(),
    };
    let name = step.texts().name();
    if parameters.len() != statement.params().len() {
        let (given, wanted) = (parameters.len(), statement.params().len());
        return Err(StoreError::mistake(format!("{given} parameters for {wanted}")).of(name));
    }
    match step {
        Step::Query(..) | Step::Load(..) => {
            let rows = client.query(&statement, &parameters).await;
            let rows = rows.map_err(|error| translate(error).of(name))?;
            let rows: Result<Vec<_>, StoreError> = rows.iter().map(read_row).collect();
            rows.map(Done::Rows).map_err(|error| error.of(name))
        }
        Step::Execute(..) | Step::Bulk(..) => {
            let count = client.execute(&statement, &parameters).await;
            count.map(Done::Count).map_err(|error| translate(error).of(name))
        }
    }
}

/// Drives all at once and answers in order. Each request is sent when its future is first polled,
/// so they reach the server in order and before the first answer is waited for.
///
/// Errors: the first in order, because what follows a failed statement only fails along with it.
async fn in_order(mut work: Vec<Work<'_>>) -> Result<Vec<Done>, StoreError> {
    let mut done: Vec<Option<Result<Done, StoreError>>> = work.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut waiting = false;
        for (future, done) in work.iter_mut().zip(&mut done) {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(result) => *done = Some(result),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    done.into_iter().flatten().collect()
}
