//! Sending a mail: tried again while that may help, given up when it cannot.

use crate::support::TestApp;
use futures_util::future::BoxFuture;
use serde_json::json;
use shared::jobs::State;
use shared::mail::SendEmail;
use shared::outbound::{Local, Mail, Outbound, OutboundError, Reply, Request};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A way out that does not work at first.
#[derive(Debug)]
struct Flaky {
    failures: Mutex<Vec<OutboundError>>,
    asked: Mutex<Vec<Mail>>,
}

impl Local for Flaky {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, OutboundError>> {
        let Request::Mail(mail) = request else { panic!("{request:?}") };
        let message_id = format!("<{}@example.com>", mail.id);
        self.asked.lock().unwrap().push(mail);
        let failure = self.failures.lock().unwrap().pop();
        Box::pin(async { failure.map_or(Ok(Reply::Sent { message_id }), Err) })
    }
}

async fn app_with(failures: Vec<OutboundError>) -> (Arc<Flaky>, TestApp) {
    let flaky = Arc::new(Flaky { failures: Mutex::new(failures), asked: Mutex::default() });
    let local: Arc<dyn Local> = Arc::<Flaky>::clone(&flaky);
    (flaky, TestApp::new().await.with_outbound(Outbound::local(local)))
}

fn to(to: &str) -> SendEmail {
    SendEmail { to: to.to_owned(), subject: "Hello".to_owned(), text: "How are you?".to_owned() }
}

#[tokio::test]
async fn a_mail_has_the_jobs_id_as_its_message_id() {
    let app = TestApp::new().await;

    let job = app.enqueue(&to("ada@example.com")).await;
    app.drain().await;

    let mails = app.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].message_id, format!("<{job}@example.com>"));
    assert_eq!(app.job(job).await.result, Some(json!({ "message_id": mails[0].message_id })));
}

#[tokio::test]
async fn a_mail_host_that_is_away_gets_the_same_mail_later() {
    let failed = OutboundError::Failed { reason: "greylisted".to_owned() };
    let unavailable = OutboundError::Unavailable(anyhow::anyhow!("throttled"));
    let (flaky, app) = app_with(vec![unavailable, failed]).await;
    let job = app.enqueue(&to("ada@example.com")).await;

    for attempt in 1..=3 {
        app.drain().await;
        assert_eq!(app.job(job).await.attempt, attempt);
        app.advance(Duration::from_mins(1));
    }

    let done = app.job(job).await;
    assert_eq!(done.state, State::Succeeded);
    assert_eq!(done.errors[0], "greylisted");
    assert!(done.errors[1].contains("throttled"), "{:?}", done.errors);
    let asked = flaky.asked.lock().unwrap();
    assert_eq!((asked.len(), asked[0].id.clone()), (3, job.to_string()));
    assert!(asked.iter().all(|mail| *mail == asked[0]), "{asked:?}");
}

#[tokio::test]
async fn a_mail_that_is_refused_is_given_up_at_once() {
    let app = TestApp::new().await;

    let job = app.enqueue(&to("no address")).await;
    app.drain().await;

    let job = app.job(job).await;
    assert_eq!((job.state, job.attempt), (State::Failed, 1));
    assert!(job.errors[0].starts_with("the mail's \"to\" is not an e-mail address"), "{:?}", job.errors);
    assert_eq!(app.mails(), []);
}
