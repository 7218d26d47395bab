//! `errand up`: everything in this process.

use crate::cli::UpArgs;
use crate::listen::{self, Heard};
use crate::settings::{self, Settings};
use crate::state_dir::StateDir;
use crate::stop::Signals;
use crate::{database, http, metrics, outside, poll, ticks};
use api::{AppState, SigningKeys};
use local_postgres::Server;
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::config::LogFormat;
use shared::db::Db;
use shared::jobs::{LocalWorker, Notifier, PostgresNotifier, SqsNotifier};
use shared::metrics::Metrics;
use shared::secrets::Secrets;
use shared::storage::Storage;
use shared::telemetry::Reports;
use std::collections::HashMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use worker::{State, Worker};

/// Connections for requests, and as many again for jobs, on a laptop.
const POOL_SIZE: &str = "8";

/// Batches of messages that run side by side when there is a queue. A batch takes as long as its slowest job, so there are
/// several small ones.
const POLLERS: usize = 4;

/// How long connections may take to be closed in good order.
const GOODBYE: Duration = Duration::from_secs(1);

/// Runs everything until it is stopped.
pub(crate) async fn run(arguments: UpArgs, lookup: &(dyn Fn(&str) -> Option<String> + Sync)) -> anyhow::Result<()> {
    let started = Instant::now();
    let (host, port) = settings::check(arguments.host, arguments.port, lookup)?;
    let listener = http::bind(&host, port).await?;
    let state_dir = StateDir::open(&arguments.state, lookup)?;
    let mut defaults = HashMap::from([
        ("DATABASE_POOL_SIZE", POOL_SIZE.to_owned()),
        ("EXPORT_DIR", state_dir.exports().display().to_string()),
        ("MAIL_DIR", state_dir.mail().display().to_string()),
        ("LOG_FORMAT", if std::io::stderr().is_terminal() { "text" } else { "json" }.to_owned()),
    ]);
    if settings::set(lookup, "SIGNING_SECRET_ARN").is_none() {
        defaults.insert("SECRET_KEY", state_dir.secret_key()?);
    }
    let (log, sentry) = settings::log(lookup, &defaults)?;
    let reports = shared::telemetry::init(log, sentry);
    let given = ["DATABASE_URL", "DATABASE_SECRET_ARN"].iter().any(|name| settings::set(lookup, name).is_some());
    let server = if given { None } else { Some(database::start(&state_dir, lookup).await?) };
    if let Some(server) = &server {
        defaults.insert("DATABASE_URL", database::url(server));
    }
    let settings = Settings::load(lookup, &defaults)?;
    database::prepare(settings.api.database.clone()).await?;

    let host = Host::new(settings);
    // Before anybody is told that it is up, and may want it down.
    let signals = Signals::catch()?;
    host.announce(&listener, &state_dir, server.as_ref(), started)?;
    // Boxed: it holds the futures of everything that runs.
    let ran = tokio::select! {
        ran = Box::pin(host.run(listener, signals)) => ran,
        () = report(&reports) => Ok(()),
    };
    reports.flush().await;
    if let Some(server) = server {
        server.stop().await?;
    }
    ran
}

/// Reports errors as they come, without an end.
async fn report(reports: &Reports) {
    loop {
        reports.arrived().await;
        reports.flush().await;
    }
}

/// The functions of this process.
struct Host {
    api: AppState,
    worker: Worker,
    scheduler: scheduler::Scheduler,
    queue: Queue,
    /// Where mail goes, in words.
    mail: String,
    slots: usize,
    log_format: LogFormat,
    /// What the page shows, if there is one.
    metrics: Option<Metrics>,
}

/// How the worker hears of jobs.
enum Queue {
    Sqs(SqsNotifier),
    Postgres(LocalWorker),
}

impl Host {
    fn new(settings: Settings) -> Self {
        let sdk = Arc::new(Sdk::default());
        let secrets = Secrets::new(Arc::clone(&sdk));
        let clock = Clock::default();
        let storage = Storage::new(settings.api.storage);
        let slots = usize::try_from(settings.worker.database.pool_size).unwrap_or(1);
        let api_db = Db::new(settings.api.database, secrets.clone());
        let worker_db = Db::new(settings.worker.database, secrets.clone());
        let queue = match &settings.api.queue.url {
            Some(url) => Queue::Sqs(SqsNotifier::new(Arc::clone(&sdk), url)),
            None => Queue::Postgres(LocalWorker::default()),
        };
        let mail = outside::describe(&settings.outbound.mail);
        let outbound = outside::open(settings.worker.outbound_function, settings.outbound, sdk);
        let notifier = match &queue {
            Queue::Sqs(sqs) => Notifier::Sqs(sqs.clone()),
            Queue::Postgres(worker) => Notifier::Postgres(PostgresNotifier::local(worker_db.beside(1), worker.clone())),
        };
        let metrics = Metrics::default();
        let worker = Worker::new(State {
            db: worker_db,
            storage: storage.clone(),
            clock: clock.clone(),
            outbound,
            notifier: notifier.clone(),
        });
        worker.runner.observe(Arc::new(metrics.clone()));
        Self {
            worker,
            scheduler: scheduler::Scheduler {
                db: Db::new(settings.scheduler.database, secrets.clone()).beside(1),
                notifier: notifier.clone(),
                clock: clock.clone(),
                schedules: scheduler::Schedules::new(scheduler::declared()),
                prober: scheduler::Prober::new(settings.scheduler.signing_secret, &secrets),
                upkeep: scheduler::Upkeep::new(settings.scheduler.retention, metrics.clone()),
            },
            api: AppState {
                db: api_db,
                notifier,
                clock,
                storage,
                signing: SigningKeys::new(settings.api.signing.source, secrets),
                docs: settings.api.docs,
                private_webhooks: settings.api.private_webhooks,
                health: api::HealthCache::off(),
            },
            queue,
            mail,
            slots,
            log_format: settings.api.log.format,
            metrics: settings.metrics.then_some(metrics),
        }
    }

    /// Says where everything is.
    fn announce(
        &self,
        listener: &TcpListener,
        state_dir: &StateDir,
        server: Option<&Server>,
        started: Instant,
    ) -> anyhow::Result<()> {
        let address = listener.local_addr()?;
        let took = started.elapsed().as_secs_f64();
        tracing::info!(address = %address, "Errand is up at http://{address} after {took:.1} s");
        if self.log_format == LogFormat::Json {
            return Ok(());
        }
        let database = server.map_or_else(|| "the one that DATABASE_URL names".to_owned(), database::url);
        let queue = match &self.queue {
            Queue::Sqs(sqs) => sqs.queue_url().to_owned(),
            Queue::Postgres(_) => "none needed: PostgreSQL's NOTIFY".to_owned(),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n  Errand is up after {took:.1} s\n")?;
        writeln!(out, "  API       http://{address}")?;
        if self.api.docs {
            writeln!(out, "  OpenAPI   http://{address}/openapi.json")?;
        }
        if self.metrics.is_some() {
            writeln!(out, "  metrics   http://{address}/metrics")?;
        }
        writeln!(out, "  database  {database}")?;
        writeln!(out, "  queue     {queue}")?;
        writeln!(out, "  mail      {}", self.mail)?;
        writeln!(out, "  state     {}", state_dir.path().display())?;
        writeln!(out, "\n  Ctrl-C stops all of it.\n")?;
        Ok(())
    }

    /// Runs until the first signal, then lets everything finish.
    async fn run(self, listener: TcpListener, signals: Signals) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let functions = async {
            let api = api::app(self.api.clone());
            let app = match &self.metrics {
                Some(metrics) => metrics::beside(api, metrics.clone()),
                None => api,
            };
            let (served, (), ()) = tokio::join!(
                http::serve(listener, app, stop.clone()),
                self.work(&stop),
                ticks::run(&self.scheduler, &stop),
            );
            served
        };
        let ran = tokio::select! {
            served = functions => served,
            ended = signals.watch(stop.clone()) => ended,
        };
        // The pools wait for statements that nobody waits for any more: not longer than this.
        let _some_are_cut = tokio::time::timeout(GOODBYE, self.close()).await;
        ran
    }

    async fn close(&self) {
        for db in [&self.api.db, &self.worker.state.db, &self.scheduler.db] {
            db.close().await;
        }
        self.worker.runner.close().await;
    }

    async fn work(&self, stop: &CancellationToken) {
        match &self.queue {
            Queue::Sqs(sqs) => {
                let pollers: [_; POLLERS] = std::array::from_fn(|_| poll::run(&self.worker, sqs, stop));
                let [first, second, third, fourth] = pollers;
                tokio::join!(first, second, third, fourth);
            }
            Queue::Postgres(local) => {
                let listening = listen::run(&self.worker.state.db, stop, |heard| match heard {
                    Heard::Connected => local.wake(),
                    Heard::Notice(payload) => local.hear(&payload),
                });
                tokio::join!(worker::serve(&self.worker, local, self.slots, stop.cancelled()), listening);
            }
        }
    }
}
