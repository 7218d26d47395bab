//! A PostgreSQL as RDS has it: connections are encrypted and ask for a password, and the master user owns databases and may
//! make roles, but is no superuser.

use super::postgres;
use local_postgres::Server;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, io, thread};
use tempfile::TempDir;

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
    /// Where its certificate is, which nobody else has signed.
    certificates: TempDir,
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

/// The server, started on first use; `None`, said loudly, where there is no `openssl` to make a certificate with.
///
/// With `ERRAND_REQUIRE_TOOLS=1` a missing one fails the test instead.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says it through the environment")]
pub fn rds() -> Option<&'static Rds> {
    static RDS: OnceLock<Option<Rds>> = OnceLock::new();

    let rds = RDS.get_or_init(|| {
        let certificates = certificates()?;
        // A runtime that outlives the test that came first.
        let start = thread::spawn(|| {
            let runtime = Box::leak(Box::new(tokio::runtime::Runtime::new().unwrap()));
            runtime.block_on(start(certificates))
        });
        Some(start.join().unwrap())
    });
    if rds.is_none() {
        let current = thread::current();
        let message = format!("SKIPPED: {}: openssl is not installed", current.name().unwrap_or("a test"));
        assert!(env::var_os("ERRAND_REQUIRE_TOOLS").is_none_or(|value| value != "1"), "{message}");
        // Not `eprintln!`, whose text the test harness keeps to itself unless the test fails.
        io::stderr().write_all(format!("{message}\n").as_bytes()).unwrap();
    }
    rds.as_ref()
}

impl Rds {
    /// Makes an empty database of the master user.
    pub async fn database(&self) -> Database {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("rds_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut connection = postgres::connect(&self.server.url("postgres")).await;
        postgres::run(&mut connection, &format!("create database {name} owner {MASTER}")).await;
        Database { url: self.server.url(&name), master_url: self.url(&name, MASTER, MASTER_PASSWORD), name }
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

    /// The certificate that a client has to trust.
    pub fn certificate(&self) -> String {
        self.certificates.path().join("server.crt").to_str().unwrap().to_owned()
    }
}

/// Makes a key, and a certificate for 127.0.0.1; `None` when there is nothing to make them with.
fn certificates() -> Option<TempDir> {
    let folder = TempDir::new().unwrap();
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=errand-test \
                     -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
                     -keyout server.key -out server.crt";
    let made = Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder.path()).output();
    match made {
        Ok(made) => assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{error}"),
    }
    Some(folder)
}

async fn start(certificates: TempDir) -> Rds {
    let server = postgres::start(200).await;
    let mut connection = postgres::connect(&server.url("postgres")).await;
    let data: String = sqlx::query_scalar("show data_directory").fetch_one(&mut connection).await.unwrap();
    let data = Path::new(&data);
    // Where tests run as root, the server runs as somebody else.
    let server_user = fs::metadata(data).unwrap().uid();
    for file in ["server.crt", "server.key"] {
        let copy = data.join(file);
        fs::copy(certificates.path().join(file), &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&copy, Some(server_user), None).unwrap();
    }
    fs::write(data.join("pg_hba.conf"), WHO_MAY_CONNECT).unwrap();
    for statement in [
        "alter system set ssl = on",
        "alter system set password_encryption = 'scram-sha-256'",
        &format!("create role {MASTER} login createdb createrole password '{MASTER_PASSWORD}'"),
        "select pg_reload_conf()",
    ] {
        postgres::run(&mut connection, statement).await;
    }
    loop {
        let mut later = postgres::connect(&server.url("postgres")).await;
        let is_on: String = sqlx::query_scalar("show ssl").fetch_one(&mut later).await.unwrap();
        if is_on == "on" {
            break;
        }
    }
    Rds { server, certificates }
}

fn form_encoded(text: &str) -> String {
    text.replace(' ', "%20")
}
