//! The end of CloudFormation that a custom resource sees: a presigned URL that takes its answer.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The presigned part of the URL.
const QUERY: &str = "X-Amz-Signature=0123456789abcdef";

/// Takes answers until it is dropped.
pub struct CloudFormation {
    port: u16,
    answers: Arc<Mutex<Vec<Value>>>,
    _tasks: JoinSet<()>,
}

impl CloudFormation {
    /// Starts to listen; the requests get these statuses, in turn.
    pub async fn start(statuses: &[u16]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers = Arc::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&answers), Arc::new(Mutex::new(statuses.to_vec().into()))));
        Self { port, answers, _tasks: tasks }
    }

    /// The event, with the address of this in the place of nobody's.
    pub fn event(&self, mut event: Value) -> Value {
        event["ResponseURL"] = json!(format!("http://127.0.0.1:{}/response?{QUERY}", self.port));
        event
    }

    /// What was sent so far.
    pub fn answers(&self) -> Vec<Value> {
        self.answers.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, answers: Arc<Mutex<Vec<Value>>>, statuses: Arc<Mutex<VecDeque<u16>>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (answers, statuses) = (Arc::clone(&answers), Arc::clone(&statuses));
        let service = service_fn(move |request| take(request, Arc::clone(&answers), Arc::clone(&statuses)));
        connections.spawn(async move {
            // A client that goes away has said what it had to say.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

/// Takes one answer. S3 refuses whatever the URL was not signed for, so this does.
async fn take(
    request: Request<Incoming>,
    answers: Arc<Mutex<Vec<Value>>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    assert_eq!((request.method(), request.uri().query()), (&Method::PUT, Some(QUERY)));
    assert!(!request.headers().contains_key("content-type"), "{:?}", request.headers());
    let length: usize = request.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let body = request.collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), length);

    answers.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    let status = statuses.lock().unwrap().pop_front().expect("no further answer is expected");
    Ok(Response::builder().status(status).body(Full::default()).unwrap())
}
