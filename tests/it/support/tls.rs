//! TLS for a PostgreSQL, with a certificate authority of its own.

use super::postgres;
use local_postgres::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use shared::migrations::MIGRATOR;
use sqlx::PgConnection;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// An authority that signs certificates.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// Makes one that nobody trusts yet.
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("authority.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// The file with its own certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }
}

/// Starts a server with an empty, migrated database `errand`, whose certificate is for `host`.
pub async fn server(authority: &Authority, host: &str) -> Server {
    let server = postgres::start(20).await;
    let mut db = postgres::connect(&server.url("postgres")).await;
    postgres::run(&mut db, "create database errand").await;
    MIGRATOR.run(&mut postgres::connect(&server.url("errand")).await).await.unwrap();
    speak(&server.url("postgres"), authority, host).await;
    server
}

/// Lets a server speak TLS with a certificate for `host`, and waits until it does.
pub async fn speak(url: &str, authority: &Authority, host: &str) {
    let mut db = postgres::connect(url).await;
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &authority.issuer).unwrap();
    write(&mut db, "server.key", &key.serialize_pem()).await;
    write(&mut db, "server.crt", &certificate.pem()).await;
    postgres::run(&mut db, "alter system set ssl = on").await;
    postgres::run(&mut db, "select pg_reload_conf()").await;
    while !is_spoken(url).await {}
}

async fn is_spoken(url: &str) -> bool {
    let ssl: String = sqlx::query_scalar("show ssl").fetch_one(&mut postgres::connect(url).await).await.unwrap();
    ssl == "on"
}

/// Has the server write a file of its data directory, so that it is its own and nobody else may read it.
async fn write(db: &mut PgConnection, file: &str, text: &str) {
    let lines = format!("select unnest(string_to_array('{}', E'\\n'))", text.trim_end());
    postgres::run(db, &format!("copy ({lines}) to program 'umask 077 && cat > {file}'")).await;
}
