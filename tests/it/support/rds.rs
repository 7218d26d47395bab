//! A PostgreSQL as RDS has it: connections are encrypted and ask for a password, and the master user owns databases and may
//! make roles, but is no superuser.

use super::postgres;
use super::tls::{self, Authority};
use local_postgres::Server;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

/// The master user, as the template has it.
pub const MASTER: &str = "errand_master";

/// Its password.
pub const MASTER_PASSWORD: &str = "the password that RDS keeps";

/// Everybody but the superuser, who sets it up, has to do what the functions on AWS do.
const WHO_MAY_CONNECT: &str = "\
host all errand 127.0.0.1/32 trust
hostssl all all 127.0.0.1/32 scram-sha-256
";

/// The running server.
pub struct Rds {
    server: Server,
    /// Who signed its certificate.
    authority: Arc<Authority>,
}

/// A database of the master user.
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its URL, as superuser.
    pub url: String,
    /// Its URL, as master user.
    pub master_url: String,
}

/// The server, started on first use. It ends with the process.
pub fn rds() -> &'static Rds {
    static RDS: OnceLock<Rds> = OnceLock::new();
    RDS.get_or_init(|| {
        // A runtime that outlives the test that came first.
        let start = thread::spawn(|| {
            let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
            runtime.block_on(Rds::start())
        });
        start.join().unwrap()
    })
}

impl Rds {
    /// Starts one that a test may break.
    pub async fn start() -> Self {
        let server = postgres::start(200).await;
        let url = server.url("postgres");
        let mut connection = postgres::connect(&url).await;
        let rules = WHO_MAY_CONNECT.trim_end().replace('\n', "'), ('");
        postgres::run(&mut connection, &format!("copy (values ('{rules}')) to program 'cat > pg_hba.conf'")).await;
        postgres::run(&mut connection, "alter system set password_encryption = 'scram-sha-256'").await;
        let master = format!("create role {MASTER} login createdb createrole password '{MASTER_PASSWORD}'");
        postgres::run(&mut connection, &master).await;
        let authority = Authority::new();
        tls::speak(&url, &authority, "127.0.0.1").await;
        Self { server, authority: Arc::new(authority) }
    }

    /// Makes a snapshot and restores it beside this one, which goes on. The master user keeps its password.
    pub async fn restore(&mut self) -> Self {
        let server = postgres::start_copy(&mut self.server).await;
        Self { server, authority: Arc::clone(&self.authority) }
    }

    /// Makes an empty database of the master user.
    pub async fn database(&self) -> Database {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("rds_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = postgres::connect(&self.server.url("postgres")).await;
        postgres::run(&mut connection, &format!("create database {name} owner {MASTER}")).await;
        self.named(&name)
    }

    /// A database that is there.
    pub fn named(&self, name: &str) -> Database {
        let master_url = self.url(name, MASTER, MASTER_PASSWORD);
        Database { name: name.to_owned(), url: self.server.url(name), master_url }
    }

    /// The URL of a database for a role.
    pub fn url(&self, database: &str, role: &str, password: &str) -> String {
        let password: String = form_encoded(password);
        format!("postgres://{role}:{password}@127.0.0.1:{}/{database}?sslmode=require", self.port())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Where the server writes its log.
    pub fn log(&self) -> &Path {
        self.server.log_file()
    }

    /// The file with the certificate that a client has to trust.
    pub fn certificate(&self) -> String {
        self.authority.file().to_str().unwrap().to_owned()
    }
}

fn form_encoded(text: &str) -> String {
    text.replace(' ', "%20")
}
