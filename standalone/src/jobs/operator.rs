//! Who performs the operations: this process on a database, or the function of a stack.

use super::stack::Stack;
use crate::database;
use crate::settings::set;
use anyhow::{bail, ensure};
use scheduler::operations::{Means, Perform};
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::config::{self, QueueConfig};
use shared::db::Db;
use shared::jobs::Notifier;
use sqlx::PgConnection;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the jobs are, as far as the command line says it.
pub(super) struct Place {
    pub(super) state: Option<PathBuf>,
    pub(super) stack: Option<String>,
    pub(super) database: Option<String>,
    pub(super) queue: Option<String>,
}

/// What the commands ask.
pub(super) enum Operator {
    Here(Box<Here>),
    Stack(Stack),
}

/// A database that this process reaches.
pub(super) struct Here {
    connection: PgConnection,
    notifier: Notifier,
    clock: Clock,
}

impl Operator {
    /// Means the stack that was named, or connects to the database that was named, or to that of the running errand.
    pub(super) async fn open(
        place: &Place,
        environment: &(dyn Fn(&str) -> Option<String> + Sync),
        with_arguments: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> anyhow::Result<Self> {
        if let Some(name) = place.stack(environment)? {
            return Ok(Self::Stack(Stack::open(&name).await?));
        }
        let queue = config::load(with_arguments, |reader| Some(QueueConfig::read(reader)))?;
        let db: Db = database::existing(place.state.clone(), with_arguments).await?;
        let connection = match database::connect(&db).await? {
            Ok(connection) => connection,
            Err(why) => bail!("the database cannot be used: {why}"),
        };
        let notifier = Notifier::remote(queue.url.as_deref(), Arc::new(Sdk::default()), &db);
        Ok(Self::Here(Box::new(Here { connection, notifier, clock: Clock::default() })))
    }

    /// Has an operation performed, and returns what it answers with.
    pub(super) async fn ask<Asked: Perform>(&mut self, operation: Asked) -> anyhow::Result<Asked::Answer> {
        match self {
            Self::Here(here) => {
                let mut notices = Vec::new();
                let means = Means { db: &mut here.connection, clock: &here.clock, notices: &mut notices };
                let answer = operation.perform(means).await?;
                here.notifier.notify(notices).await;
                Ok(answer)
            }
            Self::Stack(stack) => stack.ask(operation.into()).await,
        }
    }
}

impl Place {
    /// The stack, if it is one. An operator who names two places may mean either, and one of them is production.
    fn stack(&self, environment: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Option<String>> {
        if let Some(name) = &self.stack {
            let is_alone = self.state.is_none() && self.database.is_none() && self.queue.is_none();
            ensure!(is_alone, "--stack is all that a stack needs: it goes without --state, --database and --queue");
            return Ok(Some(name.clone()));
        }
        if self.state.is_some() || self.database.is_some() {
            return Ok(None);
        }
        let Some(name) = set(environment, "ERRAND_STACK") else { return Ok(None) };
        for other in ["DATABASE_URL", "DATABASE_SECRET_ARN"] {
            let is_alone = set(environment, other).is_none();
            ensure!(is_alone, "ERRAND_STACK and {other} are both set: say which is meant, with --stack or --database");
        }
        ensure!(self.queue.is_none(), "ERRAND_STACK is set, and its stack has a queue of its own: leave out --queue");
        Ok(Some(name))
    }
}
