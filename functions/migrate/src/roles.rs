//! The database's roles. One owns what is in it, and nobody logs in as it. Two take turns as the application: while the
//! password of one changes, the other's stays what it was. What these two may do they have from a fourth, their group.
//!
//! They are named after the database, because roles are shared by all databases of a server.

mod scram;

use crate::credentials::Credentials;
use secrecy::SecretString;
use shared::db::LIMITS;
use sqlx::{AssertSqlSafe, PgConnection};

/// PostgreSQL cuts longer names off.
const LONGEST_NAME: usize = 63;

/// A session of the application that asked nothing for this long is closed, so that a frozen sandbox does not keep a
/// database awake that could pause. A pool asks a connection whether it lives long before it is this old.
const IDLE_SESSION_LIMIT: (&str, &str) = ("idle_session_timeout", "5min");

/// The roles are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum RolesError {
    /// Names of roles that differ in their end would be one.
    #[error("the name of the database, {0}, is too long to name roles after it")]
    LongName(String),
    /// The secret is not one of the application.
    #[error("the application's secret names the role {found}, which is neither {} nor {}", expected[0], expected[1])]
    UnknownLogin {
        /// What it names.
        found: String,
        /// What it may name.
        expected: [String; 2],
    },
    /// There are no random bytes, or too few.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// PostgreSQL refused.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
}

/// The names of the roles.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Roles {
    database: String,
    /// Owns tables and all else that migrations make.
    pub owner: String,
    /// The group of those who log in.
    pub group: String,
    /// Those who log in.
    pub logins: [String; 2],
}

impl Roles {
    /// Names the roles of a database.
    ///
    /// # Errors
    /// When the name is too long.
    pub fn of(database: &str) -> Result<Self, RolesError> {
        let roles = Self {
            database: database.to_owned(),
            owner: format!("{database}_owner"),
            group: format!("{database}_app"),
            logins: ["a", "b"].map(|turn| format!("{database}_app_{turn}")),
        };
        let fits = roles.all().all(|role| role.len() <= LONGEST_NAME);
        if fits { Ok(roles) } else { Err(RolesError::LongName(database.to_owned())) }
    }

    /// Names the roles of the database that is connected to.
    pub(crate) async fn here(connection: &mut PgConnection) -> Result<Self, RolesError> {
        let database: String = sqlx::query_scalar("select current_database()::text").fetch_one(connection).await?;
        Self::of(&database)
    }

    /// Checks that a role is one of those who log in, and returns the other.
    pub(crate) fn other(&self, login: &str) -> Result<&str, RolesError> {
        let [a, b] = &self.logins;
        match login {
            login if login == a => Ok(b),
            login if login == b => Ok(a),
            other => Err(RolesError::UnknownLogin { found: other.to_owned(), expected: self.logins.clone() }),
        }
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        [&self.owner, &self.group].into_iter().chain(&self.logins)
    }
}

/// Makes the roles that are missing, and gives the owner what is in the database. To be called before migrations.
///
/// The caller owns the database and may make roles; more is not needed. From PostgreSQL 16 on, whoever makes a role may
/// grant it, and is not a member of it before that.
pub(crate) async fn prepare(connection: &mut PgConnection, roles: &Roles) -> Result<(), RolesError> {
    let names: Vec<&str> = roles.all().map(String::as_str).collect();
    let there: Vec<String> = sqlx::query_scalar("select rolname::text from pg_roles where rolname = any($1)")
        .bind(&names)
        .fetch_all(&mut *connection)
        .await?;
    for name in roles.all().filter(|name| !there.contains(name)) {
        run(connection, format!("create role {} nologin", quoted(name))).await?;
    }
    let [database, owner, group] = [&roles.database, &roles.owner, &roles.group].map(|name| quoted(name));
    let [a, b] = roles.logins.each_ref().map(|name| quoted(name));
    run(
        connection,
        format!(
            "set lock_timeout = '5s';
             grant {owner} to current_user;
             grant {group} to {a}, {b};
             revoke temporary on database {database} from public;
             grant create, temporary on database {database} to {owner};
             grant connect on database {database} to {group};
             revoke create on schema public from public;
             grant usage, create on schema public to {owner};
             grant usage on schema public to {group};"
        ),
    )
    .await?;
    for login in [a, b] {
        for (name, value) in LIMITS.into_iter().chain([IDLE_SESSION_LIMIT]) {
            run(connection, format!("alter role {login} set {name} = '{value}'")).await?;
        }
    }
    hand_over(connection, &owner).await
}

/// Gives the owner what the caller has made here: once, after the first deploy of a release with roles, or after the
/// database was restored from a dump. Parts of extensions stay where they are; indexes and sequences go with their table.
async fn hand_over(connection: &mut PgConnection, owner: &str) -> Result<(), RolesError> {
    let relations: Vec<String> = sqlx::query_scalar(
        "select format('%I.%I', relnamespace::regnamespace, relname)
         from pg_class
         where relnamespace = 'public'::regnamespace
           and relkind in ('r', 'p', 'v', 'm', 'S')
           and relowner = (select oid from pg_roles where rolname = current_user)
           and not exists (
               select from pg_depend
               where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype in ('a', 'e', 'i')
           )",
    )
    .fetch_all(&mut *connection)
    .await?;
    for relation in relations {
        run(connection, format!("alter table {relation} owner to {owner}")).await?;
    }
    Ok(())
}

/// Acts as the owner from now on: what is made belongs to it.
pub(crate) async fn become_owner(connection: &mut PgConnection, roles: &Roles) -> Result<(), RolesError> {
    run(connection, format!("set role {}", quoted(&roles.owner))).await
}

/// Lets the application read and write all tables, those of later migrations too, and change none; then acts as before
/// [`become_owner`]. To be called after migrations.
pub(crate) async fn grant(connection: &mut PgConnection, roles: &Roles) -> Result<(), RolesError> {
    let group = quoted(&roles.group);
    for (kinds, kind, rights) in
        [(["r", "p", "v"].as_slice(), "table", "select, insert, update, delete"), (&["S"], "sequence", "usage, select")]
    {
        // The list of migrations is the owner's: see below.
        let relations: Vec<String> = sqlx::query_scalar(
            "select format('%I.%I', relnamespace::regnamespace, relname)
             from pg_class
             where relnamespace = 'public'::regnamespace and relkind::text = any($1) and relname <> '_sqlx_migrations'
               and relowner = (select oid from pg_roles where rolname = current_user)",
        )
        .bind(kinds)
        .fetch_all(&mut *connection)
        .await?;
        if !relations.is_empty() {
            run(connection, format!("grant {rights} on {kind} {} to {group}", relations.join(", "))).await?;
        }
        run(connection, format!("alter default privileges in schema public grant {rights} on {kind}s to {group}"))
            .await?;
    }
    run(connection, format!("grant select on _sqlx_migrations to {group}; reset role")).await
}

/// Lets a role log in with a password, and with no other. PostgreSQL gets what it keeps of a password and not the password
/// itself, which would be in its log when it logs statements.
pub(crate) async fn set_password(connection: &mut PgConnection, login: &Credentials) -> Result<(), RolesError> {
    let verifier = verifier(&login.password)?;
    run(connection, format!("alter role {} with login password '{verifier}'", quoted(&login.username))).await
}

fn verifier(password: &SecretString) -> Result<String, RolesError> {
    match ring::rand::generate(&ring::rand::SystemRandom::new()) {
        Ok(salt) => Ok(scram::verifier(password, salt.expose())),
        Err(ring::error::Unspecified) => Err(RolesError::NoRandomness),
    }
}

/// Names cannot be parameters of these statements.
async fn run(connection: &mut PgConnection, statements: String) -> Result<(), RolesError> {
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(connection).await?;
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
