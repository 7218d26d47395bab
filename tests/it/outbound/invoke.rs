//! How a worker on Lambda asks: an invocation of the real function, whose answer means what it means in process.

use super::peer::{Peer, Then};
use super::{a_mail, refused};
use crate::binaries::Stack;
use crate::support::lambda::Lambda;
use crate::support::mail::letters;
use crate::support::moto;
use crate::support::runtime_api::Sandbox;
use shared::aws::Sdk;
use shared::outbound::{HttpCall, Mail, Outbound, OutboundError, Reply, Request};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::Mutex;

/// Lambda, with the function `outbound` alone, and the way to it.
async fn through(function: Sandbox) -> (Lambda, Outbound) {
    let lambda = Lambda::of("errand-outbound", Arc::new(Mutex::new(function))).await;
    let outbound = Outbound::lambda(lambda.sdk(), "errand-outbound");
    (lambda, outbound)
}

#[tokio::test]
async fn the_function_does_what_the_worker_asks() {
    let mails = TempDir::new().unwrap();
    let stack = Stack::new()
        .await
        .with("MAIL_DIR", mails.path().to_str().unwrap())
        .with("OUTBOUND_ALLOW_PRIVATE", "on")
        .with("HTTPS_PROXY", "http://127.0.0.1:9")
        .with("HTTP_PROXY", "http://127.0.0.1:9");
    let (_lambda, outbound) = through(stack.start("outbound").await).await;
    let peer = Peer::start("HTTP/1.1 410 Gone\r\ncontent-length: 3\r\n\r\nbye", Then::Close).await;

    let sent = outbound.call(Request::Mail(a_mail())).await.unwrap();
    let call = HttpCall { body: "{}".to_owned(), ..super::call(&peer.url("/hook")) };
    let answer = outbound.call(Request::Http(call)).await.unwrap();
    let bad = outbound.call(Request::Mail(Mail { to: "nobody".to_owned(), ..a_mail() })).await;

    assert_eq!(sent, Reply::Sent { message_id: letters(mails.path())[0].message_id.clone() });
    assert!(matches!(&answer, Reply::Answered { status: 410, body, .. } if body == "bye"), "{answer:?}");
    assert!(refused(bad).starts_with("the mail's \"to\" is not an e-mail address"));
}

/// The boundary is on unless somebody takes it away.
#[tokio::test]
async fn the_function_does_not_reach_its_own_host_unless_it_is_told_to() {
    let mails = TempDir::new().unwrap();
    let stack = Stack::new().await.with("MAIL_DIR", mails.path().to_str().unwrap());
    let (_lambda, outbound) = through(stack.start("outbound").await).await;

    let reply = outbound.call(Request::Http(super::call("https://localhost/"))).await;

    assert!(refused(reply).ends_with("its address is this host"));
}

#[tokio::test]
async fn a_function_that_fails_or_is_not_there_could_not_be_asked() {
    // The body ends with the connection.
    let error = "HTTP/1.1 200 OK\r\nx-amz-function-error: Unhandled\r\n\r\n{\"errorMessage\":\"no time\"}";
    let missing = "HTTP/1.1 404 No\r\nx-amzn-errortype: ResourceNotFoundException\r\n\r\n{\"Message\":\"not found\"}";
    let busy = "HTTP/1.1 429 No\r\nx-amzn-errortype: TooManyRequestsException\r\n\r\n{\"message\":\"too busy\"}";
    for (answer, said) in [(error, "no time"), (missing, "not found"), (busy, "TooManyRequests")] {
        let peer = Peer::start(answer, Then::Close).await;
        let outbound = Outbound::lambda(Arc::new(Sdk::from(moto::config(&peer.url("")))), "errand-outbound");

        let Err(OutboundError::Unavailable(source)) = outbound.call(Request::Mail(a_mail())).await else {
            panic!("it answered");
        };

        assert!(format!("{source:#}").contains(said), "{source:#}");
        assert_eq!(peer.requests().len(), 1, "a mail must not be asked for twice");
    }
}

#[tokio::test]
async fn a_worker_without_a_way_out_says_what_is_missing() {
    let Err(OutboundError::Unavailable(source)) = Outbound::nowhere().call(Request::Mail(a_mail())).await else {
        panic!("it answered");
    };

    assert_eq!(source.to_string(), "OUTBOUND_FUNCTION is not set");
}
