//! Taking away what only older releases need, and when that is refused.

use super::roles::Stack;
use super::{TIME_LEFT, empty_database, without_secrets};
use crate::support::{moto, postgres};
use ::migrate::{Aliases, State, handle};
use axum::Router;
use axum::extract::{Path, RawQuery, State as Extension};
use axum::routing::get;
use serde_json::{Value, json};
use shared::aws::Sdk;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, PgConnection};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const API: &str = "arn:aws:lambda:eu-central-1:123456789012:function:errand-api:live";
const WORKER: &str = "arn:aws:lambda:eu-central-1:123456789012:function:errand-worker:live";

/// Lambda, with two functions behind aliases.
struct Lambda {
    endpoint: String,
    _tasks: JoinSet<()>,
}

/// What it says of the worker; the API is as it should be.
#[derive(Clone)]
struct Behind {
    weights: Value,
    code: &'static str,
    newest: &'static str,
}

impl Lambda {
    async fn with(behind: Behind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/2015-03-31/functions/{function}/aliases/{alias}", get(alias))
            .route("/2015-03-31/functions/{function}/configuration", get(configuration))
            .with_state(behind);
        let mut tasks = JoinSet::new();
        tasks.spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { endpoint, _tasks: tasks }
    }

    fn aliases(&self) -> Aliases {
        Aliases::new(Arc::new(Sdk::from(moto::config(&self.endpoint))))
    }
}

async fn alias(Extension(behind): Extension<Behind>, Path((function, alias)): Path<(String, String)>) -> String {
    let arn = format!("{function}:{alias}");
    let weights = if arn == WORKER { behind.weights } else { Value::Null };
    json!({ "AliasArn": arn, "Name": alias, "FunctionVersion": "7", "RoutingConfig": weights }).to_string()
}

async fn configuration(
    Extension(behind): Extension<Behind>,
    Path(function): Path<String>,
    RawQuery(query): RawQuery,
) -> String {
    let is_newest = query.unwrap().contains("LATEST") || !WORKER.starts_with(&function);
    json!({ "CodeSha256": if is_newest { behind.newest } else { behind.code } }).to_string()
}

/// What the stack's output says to invoke the function with.
fn request() -> Value {
    json!({ "contract": [API, WORKER] })
}

/// One contract migration.
async fn contraction(statement: &str) -> &'static Migrator {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("29990101000000_contract.sql"), statement).unwrap();
    let mut migrator = Migrator::new(folder.path()).await.unwrap();
    migrator.set_ignore_missing(true);
    Box::leak(Box::new(migrator))
}

/// A migrated database with a table that only an older release needs, and a function that may take it away.
async fn with_old_table(behind: Behind) -> (State, Lambda, PgConnection) {
    let url = empty_database().await;
    let state = without_secrets(&url);
    handle(&state, json!({}), TIME_LEFT).await.unwrap();
    let mut db = postgres::connect(&url).await;
    postgres::run(&mut db, "create table old ()").await;
    let lambda = Lambda::with(behind).await;
    let contractions = contraction("drop table old").await;
    (State { aliases: lambda.aliases(), contractions, ..state }, lambda, db)
}

async fn has_table(db: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar(AssertSqlSafe(format!("select to_regclass('{name}') is not null"))).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn what_only_older_releases_need_is_taken_away_once() {
    let behind = Behind { weights: Value::Null, code: "new", newest: "new" };
    let (state, _lambda, mut db) = with_old_table(behind).await;

    let first = handle(&state, request(), TIME_LEFT).await.unwrap();
    let second = handle(&state, request(), TIME_LEFT).await.unwrap();
    let deployed_again = handle(&state, json!({}), TIME_LEFT).await.unwrap();

    assert_eq!((&first["applied"], &second["applied"], &deployed_again["applied"]), (&json!(1), &json!(0), &json!(0)));
    assert!(!has_table(&mut db, "old").await);
}

#[tokio::test]
async fn a_deploy_takes_nothing_away() {
    let behind = Behind { weights: Value::Null, code: "new", newest: "new" };
    let (state, _lambda, mut db) = with_old_table(behind).await;

    handle(&state, json!({}), TIME_LEFT).await.unwrap();

    assert!(has_table(&mut db, "old").await);
}

#[tokio::test]
async fn it_is_refused_while_an_alias_leads_to_two_versions() {
    let weights = json!({ "AdditionalVersionWeights": { "8": 0.1 } });
    let (state, _lambda, mut db) = with_old_table(Behind { weights, code: "new", newest: "new" }).await;

    let error = handle(&state, request(), TIME_LEFT).await.unwrap_err();

    assert_eq!(error.to_string(), format!("{WORKER} leads to two versions: a deploy is under way; nothing was done"));
    assert!(has_table(&mut db, "old").await);
}

#[tokio::test]
async fn it_is_refused_after_a_rollback() {
    let behind = Behind { weights: Value::Null, code: "old", newest: "new" };
    let (state, _lambda, mut db) = with_old_table(behind).await;

    let error = handle(&state, request(), TIME_LEFT).await.unwrap_err();

    assert!(error.to_string().contains("code that is not the newest"), "{error}");
    assert!(has_table(&mut db, "old").await);
}

#[tokio::test]
async fn it_is_refused_when_the_request_does_not_name_both_aliases() {
    let behind = Behind { weights: Value::Null, code: "new", newest: "new" };
    let (state, _lambda, mut db) = with_old_table(behind).await;

    for names in [json!([]), json!([API]), json!([API, API]), json!(true), json!(["errand-api", WORKER])] {
        let error = handle(&state, json!({ "contract": names }), TIME_LEFT).await.unwrap_err();

        let text = error.to_string();
        assert!(text.contains("\"contract\"") || text.contains("names no alias"), "{names}: {text}");
    }
    assert!(has_table(&mut db, "old").await);
}

#[tokio::test]
async fn a_lambda_that_does_not_answer_is_no_permission() {
    let (state, lambda, mut db) = with_old_table(Behind { weights: Value::Null, code: "new", newest: "new" }).await;
    drop(lambda);

    let error = handle(&state, request(), TIME_LEFT).await.unwrap_err();

    assert!(error.to_string().contains("did not say"), "{error:#}");
    assert!(has_table(&mut db, "old").await);
}

/// Tables belong to a role that nobody logs in as.
#[tokio::test]
async fn with_roles_it_is_done_by_the_owner() {
    let Some(stack) = Stack::migrated().await else { return };
    let lambda = Lambda::with(Behind { weights: Value::Null, code: "new", newest: "new" }).await;
    let contractions = contraction("alter table tasks drop column tags").await;
    let state = State { aliases: lambda.aliases(), contractions, ..stack.state };

    let done = handle(&state, request(), TIME_LEFT).await.unwrap();

    assert_eq!(done["applied"], 1);
}
