//! A receiver of webhooks: an HTTP server on this machine that remembers what came, and answers as it was told.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ring::hmac;
use serde_json::Value;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The server. It ends with the test.
pub struct Receiver {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    _tasks: JoinSet<()>,
}

/// What came, and what is to be answered.
#[derive(Default)]
struct Script {
    calls: Vec<Call>,
    answers: VecDeque<Scripted>,
}

/// A status, a header and a body.
type Scripted = (u16, Option<(&'static str, String)>, &'static str);

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub text: String,
}

impl Receiver {
    /// Starts one that answers everything with 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::<Mutex<Script>>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&script)));
        Self { address, script, _tasks: tasks }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers the next calls, in this order, with these statuses.
    pub fn answers(&self, statuses: impl IntoIterator<Item = u16>) {
        let answers = statuses.into_iter().map(|status| (status, None, "as told"));
        self.script.lock().unwrap().answers.extend(answers);
    }

    /// Answers the next call with a status and a header.
    pub fn answers_with(&self, status: u16, header: (&'static str, String)) {
        self.script.lock().unwrap().answers.push_back((status, Some(header), "as told"));
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.script.lock().unwrap().calls.clone()
    }
}

impl Call {
    /// Returns a header's text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("there is no header {name}")).to_str().unwrap()
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Tells whether one of the signatures is this secret's.
    #[track_caller]
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let content = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.text);
        let expected = signature(secret, &content);
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

/// Signs as the specification of Standard Webhooks says.
pub fn signature(secret: &str, content: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content.as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let script = Arc::clone(&script);
        let service = service_fn(move |request| answer(Arc::clone(&script), request));
        connections.spawn(async move {
            // A caller that hangs up is the caller's affair.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn answer(script: Arc<Mutex<Script>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut script = script.lock().unwrap();
    script.calls.push(Call {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    });
    let (status, header, text) = script.answers.pop_front().unwrap_or((200, None, "thanks"));
    let mut response = Response::builder().status(status);
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(Bytes::from_static(text.as_bytes()))).unwrap())
}
