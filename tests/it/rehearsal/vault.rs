//! What functions have on AWS and not on a laptop: secrets in Secrets Manager, and a database that is reached by TLS alone,
//! whose certificate is looked at.

use super::stage::{SECRET, Stage};
use crate::support::moto::moto;
use crate::support::tls::{self, Authority};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::json;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Secrets, certificate and endpoint, for as long as it lives.
pub struct Vault {
    environment: Vec<(String, String)>,
    _authority: Authority,
    _server: JoinSet<()>,
}

/// Where calls of the SDK go on to.
struct Services {
    queue: String,
    others: String,
    http: reqwest::Client,
}

impl Vault {
    /// Puts secrets into Secrets Manager and gives the database a certificate; `None`, said loudly, without moto.
    pub async fn open(stage: &Stage) -> Option<Self> {
        let moto = moto().await?;
        let authority = Authority::new();
        tls::speak(&stage.url(), &authority, "localhost").await;
        let keep = async |name: &str, secret: String| {
            let name = format!("rehearsal-{name}-{}", stage.port());
            let created = moto.secrets().create_secret().name(name).secret_string(secret).send().await;
            created.unwrap().arn.unwrap()
        };
        let database =
            keep("database", json!({ "username": "errand", "password": "is not asked for" }).to_string()).await;
        let signing = keep("signing", SECRET.to_owned()).await;
        let queue = stage.queue.environment();
        let value = |name: &str| queue.iter().find(|(found, _)| found == name).unwrap().1.clone();
        let (endpoint, server) = serve(value("AWS_ENDPOINT_URL"), moto.endpoint.clone()).await;
        let variables = [
            ("AWS_ACCESS_KEY_ID", value("AWS_ACCESS_KEY_ID")),
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_SECRET_ACCESS_KEY", value("AWS_SECRET_ACCESS_KEY")),
            ("DATABASE_HOST", "localhost".to_owned()),
            ("DATABASE_NAME", "errand".to_owned()),
            ("DATABASE_PORT", stage.port().to_string()),
            ("DATABASE_SECRET_ARN", database),
            ("ENVIRONMENT", "production".to_owned()),
            ("EXPORT_DIR", stage.folder()),
            ("QUEUE_URL", value("QUEUE_URL")),
            ("SIGNING_SECRET_ARN", signing),
            ("SSL_CERT_FILE", authority.file().display().to_string()),
        ];
        let environment = variables.map(|(name, value)| (name.to_owned(), value)).into();
        Some(Self { environment, _authority: authority, _server: server })
    }

    /// The variables of a function.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }
}

/// Serves one endpoint for all services, as the SDK wants it.
async fn serve(queue: String, others: String) -> (String, JoinSet<()>) {
    #[expect(clippy::disallowed_methods, reason = "what calls through here has time limits of its own")]
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(pass_on).with_state(Arc::new(Services { queue, others, http }));
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    (endpoint, server)
}

async fn pass_on(State(services): State<Arc<Services>>, headers: HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
    let is_for_queue = headers["x-amz-target"].to_str().unwrap().starts_with("AmazonSQS.");
    let to = if is_for_queue { &services.queue } else { &services.others };
    let answer = services.http.post(to).headers(headers).body(body).send().await.unwrap();
    (answer.status(), answer.bytes().await.unwrap())
}
