//! The sample events of the function.

use super::{answered, caller, refused};
use crate::api::events::sample;
use crate::support::mail::{gateway, letters};
use ::outbound::Reach;
use shared::outbound::{Answer, Request};
use tempfile::TempDir;

#[tokio::test]
async fn a_mail() {
    let folder = TempDir::new().unwrap();
    let request: Request = serde_json::from_value(sample("outbound-mail.json")).unwrap();

    let answer = gateway(folder.path()).handle(request).await.unwrap();

    assert!(matches!(answer, Answer::Done(_)), "{answer:?}");
    assert_eq!(letters(folder.path())[0].subject, "Reminder: Water the plants");
}

/// The host of the sample is nobody's, so the call goes to a stand-in.
#[tokio::test]
async fn a_call() {
    let peer = super::peer::Peer::start("HTTP/1.1 204 Done\r\n\r\n", super::peer::Then::Close).await;
    let request: Request = serde_json::from_value(sample("outbound-http.json")).unwrap();
    let Request::Http(mut call) = request else { panic!("it is no call") };
    assert!(call.url.starts_with("https://hooks.example.com/"));
    call.url = peer.url("/errand");

    let Answer::Done(reply) = caller(Reach::Anywhere).handle(Request::Http(call)).await.unwrap() else {
        panic!("it is not done");
    };

    assert_eq!(answered(Ok(reply)).0, 204);
    assert!(peer.requests()[0].contains("\r\ncontent-type: application/json\r\n"), "{:?}", peer.requests());
}

#[tokio::test]
async fn a_refusal_is_an_answer_of_the_function() {
    let request: Request = serde_json::from_value(sample("outbound-mail.json")).unwrap();

    let answer = caller(Reach::Internet).handle(request).await.unwrap();

    let Answer::Refused { reason } = answer.clone() else { panic!("{answer:?}") };
    assert_eq!(serde_json::to_value(&answer).unwrap()["refused"]["reason"], reason);
    assert_eq!(refused(answer.into()), reason);
}
