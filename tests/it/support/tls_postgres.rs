//! A PostgreSQL that speaks TLS, with a certificate authority of its own.

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
pub async fn start(authority: &Authority, host: &str) -> Server {
    let server = postgres::start(20).await;
    let mut db = postgres::connect(&server.url("postgres")).await;
    postgres::run(&mut db, "create database errand").await;
    MIGRATOR.run(&mut postgres::connect(&server.url("errand")).await).await.unwrap();
    speak_tls(&mut db, authority, host).await;
    server
}

async fn speak_tls(db: &mut PgConnection, authority: &Authority, host: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([host.to_owned()]).unwrap().signed_by(&key, &authority.issuer).unwrap();
    write(db, "server.key", &key.serialize_pem()).await;
    write(db, "server.crt", &certificate.pem()).await;
    postgres::run(db, "alter system set ssl = on").await;
    postgres::run(db, "select pg_reload_conf()").await;
}

/// Has the server write a file of its data directory, so that it is its own and nobody else may read it.
async fn write(db: &mut PgConnection, file: &str, text: &str) {
    let lines = format!("select unnest(string_to_array('{}', E'\\n'))", text.trim_end());
    postgres::run(db, &format!("copy ({lines}) to program 'umask 077 && cat > {file}'")).await;
}
