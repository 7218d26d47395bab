//! The database's roles, made by a master user who is no superuser: who owns what, and who may do what.

use super::{TIME_LEFT, latest, migrations};
use crate::support::moto::{Moto, moto};
use crate::support::rds::{Database, Rds, rds};
use crate::support::rotation::Secret;
use crate::support::{TestApp, postgres};
use ::migrate::{Roles, RotatedSecrets, State, apply, handle};
use axum::http::Method;
use serde_json::json;
use shared::aws::Sdk;
use sqlx::{Connection as _, PgConnection, Row as _};
use std::sync::Arc;

/// What the application's secret is made with.
const PASSWORD: &str = "generated";

/// A database that is to have roles, and the secret of its application.
pub(super) struct Stack {
    pub(super) rds: &'static Rds,
    pub(super) database: Database,
    pub(super) app: Secret<'static>,
    pub(super) state: State,
}

impl Stack {
    /// A stack whose database is empty; `None`, said loudly, without moto.
    pub(super) async fn new() -> Option<Self> {
        let (moto, rds) = (moto().await?, rds());
        let database = rds.database().await;
        let app = Secret::of_app(moto, &database.name, PASSWORD).await;
        let rotated = RotatedSecrets { app: Some(app.arn.clone()), signing: None };
        let state = state(moto, &database.master_url, rotated);
        Some(Self { rds, database, app, state })
    }

    /// A stack whose database is migrated and has roles.
    pub(super) async fn migrated() -> Option<Self> {
        let stack = Self::new().await?;
        stack.migrate().await;
        Some(stack)
    }

    pub(super) async fn migrate(&self) {
        handle(&self.state, json!({}), TIME_LEFT).await.unwrap();
    }

    /// Logs in, if the password is right.
    pub(super) async fn log_in(&self, (role, password): &(String, String)) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect(&self.rds.url(&self.database.name, role, password)).await
    }

    /// Connects as the application.
    async fn as_app(&self) -> PgConnection {
        self.log_in(&self.app.login("AWSCURRENT").await).await.unwrap()
    }

    /// Connects as the master user.
    async fn as_master(&self) -> PgConnection {
        postgres::connect(&self.database.master_url).await
    }

    fn roles(&self) -> Roles {
        Roles::of(&self.database.name).unwrap()
    }
}

/// The function, with secrets on the server.
pub(super) fn state(moto: &Moto, url: &str, rotated: RotatedSecrets) -> State {
    State::new(postgres::handle(url, 1), Arc::new(Sdk::from(moto.config())), rotated)
}

#[tokio::test]
async fn the_first_deploy_makes_roles_and_lets_the_one_of_the_secret_log_in() {
    let Some(stack) = Stack::new().await else { return };

    let done = handle(&stack.state, json!({}), TIME_LEFT).await.unwrap();

    assert_eq!(done, json!({ "applied": migrations(), "version": latest() }));
    let roles = stack.roles();
    assert_eq!(stack.app.login("AWSCURRENT").await, (roles.logins[0].clone(), PASSWORD.to_owned()));
    let mut app = stack.as_app().await;
    let who = sqlx::query(
        "select current_user::text, rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user",
    );
    let who = who.fetch_one(&mut app).await.unwrap();
    assert_eq!(who.get::<String, _>(0), roles.logins[0]);
    assert_eq!([1, 2, 3].map(|right| who.get::<bool, _>(right)), [false; 3]);
    // The other one's turn has not come, and nobody is the owner or the group.
    let may_log_in =
        sqlx::query_scalar::<_, String>("select rolname::text from pg_roles where rolcanlogin and rolname like $1");
    let may_log_in = may_log_in.bind(format!("{}\\_%", stack.database.name)).fetch_all(&mut app).await.unwrap();
    assert_eq!(may_log_in, [roles.logins[0].clone()]);
}

/// All that the functions do with the database: requests, jobs with effects, a tick, a schedule's turn, deletions.
#[tokio::test]
async fn the_application_can_do_its_work() {
    let Some(stack) = Stack::migrated().await else { return };
    let (role, password) = stack.app.login("AWSCURRENT").await;
    let url = stack.rds.url(&stack.database.name, &role, &password);
    // A delivery to nobody is tried again for a day.
    let app = TestApp::as_role(&stack.database.url, &url, worker::registry()).may_leave_jobs();
    let actor = app.actor().await;

    let webhook = json!({ "url": "http://127.0.0.1:9/", "event_types": ["task.created"] });
    actor.post("/v1/webhooks", webhook).await.json(201);
    let task = actor.task(json!({ "remind_at": "2030-01-01T00:00:00Z" })).await;
    let task = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    actor.patch(&task, json!({ "status": "done" })).await.json(200);
    let export = actor.post("/v1/exports", json!({ "format": "csv" })).await.json(202);
    let import = actor.send_as(Method::POST, "/v1/imports", "text/csv", "title\nWater the plants\n").await;
    app.tick().await;
    app.drain().await;

    assert_eq!(import.status, 202, "{import:?}");
    let export = format!("/v1/jobs/{}", export["id"].as_str().unwrap());
    assert_eq!(actor.get(&export).await.json(200)["state"], "succeeded");
    assert_eq!(actor.delete(&task).await.status, 204);
    let tried = "select count(*) from webhook_deliveries where attempts > 0";
    let tried: i64 = sqlx::query_scalar(tried).fetch_one(&mut app.db().await).await.unwrap();
    assert_eq!(tried, 1);
}

/// What holds of each table, also of those that no test above comes across.
#[tokio::test]
async fn the_application_may_read_and_write_each_table_and_change_none() {
    let Some(stack) = Stack::migrated().await else { return };
    let mut app = stack.as_app().await;

    let tables = sqlx::query(
        "select relname::text, pg_get_userbyid(relowner)::text,
                (select string_agg(kind, ' ') from unnest(array['DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'TRIGGER', 'TRUNCATE', 'UPDATE']) kind
                 where has_table_privilege(oid, kind))
         from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
    );
    let tables = tables.fetch_all(&mut app).await.unwrap();

    assert!(tables.len() > 8, "{}", tables.len());
    for table in tables {
        let (name, owner) = (table.get::<String, _>(0), table.get::<String, _>(1));
        assert_eq!(owner, stack.roles().owner, "{name}");
        let expected = if name == "_sqlx_migrations" { "SELECT" } else { "DELETE INSERT SELECT UPDATE" };
        assert_eq!(table.get::<String, _>(2), expected, "{name}");
    }
}

#[tokio::test]
async fn the_application_may_change_nothing_but_rows() {
    let Some(stack) = Stack::migrated().await else { return };
    let mut app = stack.as_app().await;
    let owner = stack.roles().owner;

    for statement in [
        "alter table tasks add column colour text",
        "create index on tasks (title)",
        "create table mine ()",
        "create temporary table mine ()",
        "create schema mine",
        "create role mine",
        "drop table tasks",
        "truncate tasks",
        "alter table tasks disable trigger all",
        "delete from _sqlx_migrations",
        &format!("set role {owner}"),
        &format!("grant {owner} to current_user"),
        "copy tasks to program 'cat'",
    ] {
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut app).await.unwrap_err();

        // Insufficient privilege.
        let code = refused.as_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(code, "42501", "{statement}: {refused}");
    }
}

/// As a standalone host does that joins the stack.
#[tokio::test]
async fn the_application_finds_an_up_to_date_schema_and_cannot_bring_an_older_one_there() {
    let Some(stack) = Stack::migrated().await else { return };
    let (role, password) = stack.app.login("AWSCURRENT").await;
    let db = postgres::handle(&stack.rds.url(&stack.database.name, &role, &password), 1);

    let current = apply(&db).await.unwrap();
    postgres::run(&mut postgres::connect(&stack.database.url).await, "delete from _sqlx_migrations").await;
    let older = apply(&db).await.unwrap_err();

    assert_eq!(current.applied, 0);
    assert!(format!("{:#}", anyhow::Error::new(older)).contains("permission denied"));
}

#[tokio::test]
async fn a_table_of_a_later_migration_can_be_used_without_another_grant() {
    let Some(stack) = Stack::migrated().await else { return };
    let mut master = stack.as_master().await;
    postgres::run(&mut master, &format!("set role {}", stack.roles().owner)).await;
    postgres::run(&mut master, "create table later (id bigint generated always as identity, number serial)").await;

    let mut app = stack.as_app().await;

    postgres::run(&mut app, "insert into later default values").await;
    postgres::run(&mut app, "delete from later").await;
}

#[tokio::test]
async fn sessions_of_the_application_have_time_limits_whoever_opens_them() {
    let Some(stack) = Stack::migrated().await else { return };
    let mut limits: Vec<String> = Vec::new();

    let mut app = stack.as_app().await;
    for name in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"] {
        let show = sqlx::query_scalar("select current_setting($1)").bind(name);
        limits.push(show.fetch_one(&mut app).await.unwrap());
    }

    assert_eq!(limits, ["20s", "5s", "30s", "5min"].map(str::to_owned));
}

#[tokio::test]
async fn a_second_time_changes_nothing_for_those_who_are_logged_in_or_log_in() {
    let Some(stack) = Stack::migrated().await else { return };
    let mut before = stack.as_app().await;

    let done = handle(&stack.state, json!({}), TIME_LEFT).await.unwrap();

    assert_eq!(done, json!({ "applied": 0, "version": latest() }));
    postgres::run(&mut before, "insert into users (id, email, password_hash, created_at) select gen_random_uuid(), 'ada@example.com', 'none', now()").await;
    postgres::run(&mut stack.as_app().await, "delete from users").await;
}

#[tokio::test]
async fn two_at_once_take_turns() {
    let Some(stack) = Stack::new().await else { return };
    let moto = moto().await.unwrap();
    let other = state(moto, &stack.database.master_url, stack.state.rotated.clone());

    let (one, two) = tokio::join!(handle(&stack.state, json!({}), TIME_LEFT), handle(&other, json!({}), TIME_LEFT));

    let applied = [one.unwrap(), two.unwrap()].map(|done| done["applied"].as_u64().unwrap());
    assert_eq!(applied.iter().sum::<u64>(), migrations() as u64, "{applied:?}");
    stack.as_app().await;
}

/// The release before had no roles: everything belongs to the master user, who was the application as well.
#[tokio::test]
async fn a_database_without_roles_gets_them_while_older_code_works_on() {
    let Some(stack) = Stack::new().await else { return };
    let older = postgres::handle(&stack.database.master_url, 1);
    apply(&older).await.unwrap();
    let mut connected = stack.as_master().await;
    postgres::run(&mut connected, "create sequence numbers").await;
    let insert = "insert into users (id, email, password_hash, created_at) select gen_random_uuid(), 'ada@example.com', 'none', now()";
    postgres::run(&mut connected, insert).await;

    let done = handle(&stack.state, json!({}), TIME_LEFT).await.unwrap();

    assert_eq!(done["applied"], 0);
    let mut app = stack.as_app().await;
    let users: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&mut app).await.unwrap();
    assert_eq!(users, 1);
    let foreign: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and pg_get_userbyid(relowner) <> $1",
    )
    .bind(stack.roles().owner)
    .fetch_all(&mut app)
    .await
    .unwrap();
    assert_eq!(foreign, [""; 0]);
    // After a rollback older code is the master user again, and migrates as such.
    postgres::run(&mut connected, "update users set email = 'grace@example.com'").await;
    assert_eq!(apply(&older).await.unwrap().applied, 0);
    postgres::run(&mut stack.as_master().await, "alter table users add column of_older_code int").await;
}

#[tokio::test]
async fn a_secret_of_somebody_else_fails_the_deploy_with_a_reason() {
    let Some(stack) = Stack::new().await else { return };
    let moto = moto().await.unwrap();
    let value = json!({ "username": "postgres", "password": PASSWORD }).to_string();
    let secret = Secret::new(moto, &format!("of-somebody-else-{}", stack.database.name), &value).await;
    let rotated = RotatedSecrets { app: Some(secret.arn), signing: None };

    let error = handle(&state(moto, &stack.database.master_url, rotated), json!({}), TIME_LEFT).await.unwrap_err();

    let [a, b] = stack.roles().logins;
    let expected = format!("the application's secret names the role postgres, which is neither {a} nor {b}");
    assert_eq!(format!("{error:#}"), expected);
}

#[tokio::test]
async fn without_a_secret_of_the_application_there_are_no_roles() {
    let Some(moto) = moto().await else { return };
    let rds = rds();
    let database = rds.database().await;

    handle(&state(moto, &database.master_url, RotatedSecrets::default()), json!({}), TIME_LEFT).await.unwrap();

    let roles = sqlx::query_scalar::<_, i64>("select count(*) from pg_roles where rolname like $1");
    let roles =
        roles.bind(format!("{}\\_%", database.name)).fetch_one(&mut postgres::connect(&database.url).await).await;
    assert_eq!(roles.unwrap(), 0);
}

#[test]
fn names_that_postgresql_would_cut_off_are_refused() {
    let longest = Roles::of(&"x".repeat(57)).unwrap();

    assert_eq!(longest.logins[1].len(), 63);
    let error = Roles::of(&"x".repeat(58)).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}
