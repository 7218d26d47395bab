//! HTTP calls to a real server, on a way out that may reach this machine.

use super::peer::{Peer, Then};
use super::{answered, ask, call, caller, failed};
use ::outbound::Reach;
use chrono::{TimeDelta, Utc};
use shared::clock::Clock;
use shared::outbound::{BODY_BYTES, HttpCall, Request};
use tokio::net::TcpListener;

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_call_is_a_post_with_the_headers_and_the_body_that_were_given() {
    let peer = Peer::start(ok("thanks"), Then::Close).await;
    let call = HttpCall {
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("webhook-id".to_owned(), "msg_1".to_owned()),
        ],
        body: "{\"a\":1}".to_owned(),
        ..call(&peer.url("/hook?token=1"))
    };

    let (status, retry_after, body, _) = answered(ask(&caller(Reach::Anywhere), Request::Http(call)).await);

    assert_eq!((status, retry_after, body.as_str()), (200, None, "thanks"));
    let request = peer.requests().pop().unwrap();
    assert!(request.starts_with("POST /hook?token=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    for header in ["content-type: application/json", "webhook-id: msg_1", "user-agent: Errand/"] {
        assert!(request.contains(&format!("\r\n{header}")), "{request}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let secret = Peer::start(ok("the secret of a neighbour"), Then::Close).await;
    for status in [301, 302, 303, 307, 308] {
        let location = secret.url("/latest/meta-data");
        let redirect = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let peer = Peer::start(redirect, Then::Close).await;

        let (answer, _, body, _) = answered(ask(&caller(Reach::Anywhere), Request::Http(call(&peer.url("/")))).await);

        assert_eq!((answer, body.as_str()), (status, ""));
        assert_eq!(peer.requests().len(), 1);
    }
    assert_eq!(secret.requests(), [""; 0]);
}

#[tokio::test]
async fn every_status_is_an_answer() {
    for status in [204, 400, 410, 429, 500, 503] {
        let peer = Peer::start(format!("HTTP/1.1 {status} Word\r\ncontent-length: 0\r\n\r\n"), Then::Close).await;

        let (answer, ..) = answered(ask(&caller(Reach::Anywhere), Request::Http(call(&peer.url("/")))).await);

        assert_eq!(answer, status);
    }
}

#[tokio::test]
async fn the_wait_that_is_asked_for_is_told_in_seconds() {
    let date = |seconds| (Clock::default().now() + TimeDelta::seconds(seconds)).with_timezone(&Utc).to_rfc2822();
    for (header, least, most) in [
        ("120".to_owned(), Some(120), Some(120)),
        (date(300).replace("+0000", "GMT"), Some(290), Some(300)),
        (date(-300).replace("+0000", "GMT"), Some(0), Some(0)),
        ("soon".to_owned(), None, None),
        ("-5".to_owned(), None, None),
    ] {
        let answer = format!("HTTP/1.1 503 Busy\r\nretry-after: {header}\r\ncontent-length: 0\r\n\r\n");
        let peer = Peer::start(answer, Then::Close).await;

        let (_, wait, ..) = answered(ask(&caller(Reach::Anywhere), Request::Http(call(&peer.url("/")))).await);

        assert!(wait >= least && wait <= most, "{header}: {wait:?}");
    }
}

#[tokio::test]
async fn only_the_beginning_of_the_body_is_read() {
    // More is announced than ever comes: whoever read on would wait.
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{}", "é".repeat(BODY_BYTES));
    let peer = Peer::start(endless, Then::Hang).await;

    let (status, _, body, duration_ms) =
        answered(ask(&caller(Reach::Anywhere), Request::Http(call(&peer.url("/")))).await);

    assert_eq!((status, body), (200, "é".repeat(BODY_BYTES / 2)));
    assert!(duration_ms < 20_000, "{duration_ms} ms");
}

#[tokio::test]
async fn what_is_no_text_is_replaced() {
    let peer = Peer::start("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na\0b", Then::Close).await;

    let (_, _, body, _) = answered(ask(&caller(Reach::Anywhere), Request::Http(call(&peer.url("/")))).await);

    assert_eq!(body, "a\u{fffd}b");
}

/// The other side has decided: a body that never ends does not make a delivery undone.
#[tokio::test]
async fn an_answer_whose_body_does_not_come_is_an_answer() {
    let peer = Peer::start("HTTP/1.1 202 Taken\r\ncontent-length: 10\r\n\r\nhal", Then::Hang).await;
    let call = HttpCall { timeout_ms: 3_000, ..call(&peer.url("/")) };

    let (status, _, body, duration_ms) = answered(ask(&caller(Reach::Anywhere), Request::Http(call)).await);

    assert_eq!((status, body.as_str()), (202, "hal"));
    assert!(duration_ms >= 3_000, "{duration_ms} ms");
}

#[tokio::test]
async fn no_answer_in_time_may_be_one_another_time() {
    let peer = Peer::start("", Then::Hang).await;
    let call = HttpCall { timeout_ms: 100, ..call(&peer.url("/")) };

    let reason = failed(ask(&caller(Reach::Anywhere), Request::Http(call)).await);

    assert_eq!(reason, "there was no answer within 100 ms");
}

#[tokio::test]
async fn a_connection_that_fails_does_not_tell_the_url() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/secret-token", nobody.local_addr().unwrap());
    drop(nobody);

    let reason = failed(ask(&caller(Reach::Anywhere), Request::Http(call(&url))).await);

    assert!(reason.contains("refused"), "{reason}");
    assert!(!reason.contains("secret-token"), "{reason}");
}

#[tokio::test]
async fn what_speaks_no_http_is_no_answer() {
    let peer = Peer::start("SSH-2.0-OpenSSH_9.2\r\n", Then::Close).await;

    failed(ask(&caller(Reach::Anywhere), Request::Http(call(&peer.url("/")))).await);
}
