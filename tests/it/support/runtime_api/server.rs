//! The HTTP side of the stub: which request means what, and how bodies are read.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    Invocation,
    stub::{Stub, reply},
};

/// The most a function may answer in one piece: 6 MB and a little.
/// Source: the quota "Invocation payload" and the number in Lambda's own error message.
const ANSWER_LIMIT: usize = 6_291_556;

/// What stands between the head and the body of a streamed answer.
const STREAM_DELIMITER: [u8; 8] = [0; 8];

/// Serves the stub until it is aborted.
///
/// Nagle is off: with it, warm calls would show 40 ms that Lambda does not have.
pub(super) async fn serve(listener: TcpListener, stub: Arc<Stub>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).ok();
        let stub = Arc::clone(&stub);
        let service = service_fn(move |request| route(Arc::clone(&stub), request));
        connections.spawn(async move {
            // A function that is killed cuts its connection: how the invocation ended is told by
            // the process.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

/// Answers one request of the function.
async fn route(stub: Arc<Stub>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    Ok(match (&head.method, path.as_slice()) {
        (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => stub.next().await,
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
            let body = body.collect().await?.to_bytes();
            let streamed =
                head.headers.get("lambda-runtime-function-response-mode").is_some_and(|mode| mode == "streaming");
            if streamed {
                stub.end(id, Invocation::Answer(joined(&body)))
            } else if body.len() > ANSWER_LIMIT {
                let error = too_large(body.len());
                stub.end(id, Invocation::Error(error.clone()));
                reply(StatusCode::PAYLOAD_TOO_LARGE, &error)
            } else {
                stub.end(id, Invocation::Answer(value(&body)))
            }
        }
        (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
            let body = body.collect().await?.to_bytes();
            stub.end(id, Invocation::Error(value(&body)))
        }
        (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
            let body = body.collect().await?.to_bytes();
            stub.fail_start(value(&body))
        }
        _ => reply(StatusCode::NOT_FOUND, &json!({ "errorType": "NotFound" })),
    })
}

/// A streamed answer in the shape of one in a piece: its head, with the body as text.
fn joined(body: &[u8]) -> Value {
    let split = body
        .windows(STREAM_DELIMITER.len())
        .position(|window| window == STREAM_DELIMITER)
        .expect("a streamed answer starts with its head");
    let mut answer = value(&body[..split]);
    let content = String::from_utf8_lossy(&body[split + STREAM_DELIMITER.len()..]);
    answer["body"] = content.into();
    answer
}

/// JSON, or the text itself where it is none.
fn value(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

fn too_large(length: usize) -> Value {
    json!({
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": format!("{length} bytes are more than the {ANSWER_LIMIT} that Lambda takes"),
    })
}
