//! What the Runtime API knows about one function, which has one invocation at a time.

use std::{
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot, watch};

use super::Invocation;

/// What the process is doing, as far as its requests show.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Starting,
    Asking,
    Busy,
}

/// The stub: the event that waits, the answer that is awaited.
pub(super) struct Stub {
    arn: String,
    state: Mutex<State>,
    posted: Notify,
    stage: watch::Sender<Stage>,
}

#[derive(Default)]
struct State {
    count: u64,
    waiting: Option<Waiting>,
    taken: Option<(String, oneshot::Sender<Invocation>)>,
    start_error: Option<Value>,
    first_answer: Option<Instant>,
}

struct Waiting {
    event: Bytes,
    deadline: Duration,
    answer: oneshot::Sender<Invocation>,
}

impl Stub {
    /// A stub for the function of that name, with no event waiting.
    pub(super) fn new(function: &str) -> Self {
        Self {
            arn: format!("arn:aws:lambda:eu-central-1:123456789012:function:{function}"),
            state: Mutex::default(),
            posted: Notify::new(),
            stage: watch::Sender::new(Stage::Starting),
        }
    }

    /// Puts an event where the function finds it; an older one that nobody took or answered is
    /// forgotten.
    pub(super) fn post(&self, event: &Value, deadline: Duration) -> oneshot::Receiver<Invocation> {
        let (answer, awaited) = oneshot::channel();
        let mut state = self.state.lock().unwrap();
        state.taken = None;
        if let Some(error) = &state.start_error {
            answer.send(Invocation::Error(error.clone())).unwrap();
        } else {
            state.waiting = Some(Waiting { event: event.to_string().into(), deadline, answer });
            self.posted.notify_one();
        }
        awaited
    }

    /// Waits until the process has asked for its first event.
    pub(super) async fn started(&self) {
        self.reaches(|stage| *stage != Stage::Starting).await;
    }

    /// Waits until the process asks for an event and there is none.
    pub(super) async fn idle(&self) {
        self.reaches(|stage| *stage == Stage::Asking).await;
    }

    /// When the first answer or error had arrived in full.
    pub(super) fn first_answer(&self) -> Option<Instant> {
        self.state.lock().unwrap().first_answer
    }

    async fn reaches(&self, wanted: fn(&Stage) -> bool) {
        self.stage.subscribe().wait_for(wanted).await.unwrap();
    }

    /// `GET /runtime/invocation/next`: waits for an event and hands it over.
    pub(super) async fn next(&self) -> Response<Full<Bytes>> {
        self.stage.send_replace(Stage::Asking);
        loop {
            if let Some(response) = self.hand_over() {
                return response;
            }
            self.posted.notified().await;
        }
    }

    fn hand_over(&self) -> Option<Response<Full<Bytes>>> {
        let mut state = self.state.lock().unwrap();
        let waiting = state.waiting.take()?;
        state.count += 1;
        let count = state.count;
        let id = format!("{:08x}-0000-4000-8000-{count:012x}", std::process::id());
        let deadline = SystemTime::now() + waiting.deadline;
        let deadline = deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let trace = format!("Root=1-5f84c7a9-{count:024x};Parent={count:016x};Sampled=0");
        let response = Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .header("lambda-runtime-aws-request-id", &id)
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", &self.arn)
            .header("lambda-runtime-trace-id", trace)
            .body(Full::new(waiting.event))
            .unwrap();
        state.taken = Some((id, waiting.answer));
        self.stage.send_replace(Stage::Busy);
        Some(response)
    }

    /// `POST /runtime/invocation/{id}/response` and `/error`: ends the invocation, if it is still
    /// awaited.
    pub(super) fn end(&self, id: &str, invocation: Invocation) -> Response<Full<Bytes>> {
        let mut state = self.state.lock().unwrap();
        state.first_answer.get_or_insert_with(Instant::now);
        match state.taken.take_if(|(taken, _)| taken == id) {
            Some((_, answer)) => {
                answer.send(invocation).ok();
                reply(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
            }
            None => reply(
                StatusCode::BAD_REQUEST,
                &json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" }),
            ),
        }
    }

    /// `POST /runtime/init/error`: fails the invocation that waits and all later ones.
    pub(super) fn fail_start(&self, error: Value) -> Response<Full<Bytes>> {
        let mut state = self.state.lock().unwrap();
        if let Some(waiting) = state.waiting.take() {
            waiting.answer.send(Invocation::Error(error.clone())).ok();
        }
        state.start_error = Some(error);
        reply(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
    }
}

/// An answer of the Runtime API with a JSON body.
pub(super) fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body.to_string()))
        .unwrap()
}
