//! Mail through SES: a stand-in for it that keeps what it took, and one that refuses.

use super::peer::{Peer, Then};
use super::{a_mail, ask, failed, refused, sending};
use crate::hosts::eventually;
use crate::support::mail::letter;
use crate::support::moto::moto;
use ::outbound::{Gateway, Transport};
use aws_config::SdkConfig;
use serde_json::Value;
use shared::aws::Sdk;
use shared::outbound::{Reply, Request};
use std::sync::Arc;
use std::time::Duration;

fn gateway(config: SdkConfig) -> Gateway {
    Gateway::new(sending(Transport::Ses), Arc::new(Sdk::from(config)))
}

#[tokio::test]
async fn a_mail_is_handed_to_ses_as_it_was_composed() {
    let Some(moto) = moto().await else { return };
    let ses = aws_sdk_sesv2::Client::new(&moto.config());
    ses.create_email_identity().email_identity("errand@example.com").send().await.unwrap();

    let reply = ask(&gateway(moto.config()), Request::Mail(a_mail())).await.unwrap();

    // Other tests change what moto holds, and it fails when that happens while it writes it down.
    let data = eventually("moto says what it holds", Duration::from_secs(20), async || {
        serde_json::from_str::<Value>(&text_of(&format!("{}/moto-api/data.json", moto.endpoint)).await).ok()
    })
    .await;
    let messages = data["ses"]["RawMessage"].as_array().unwrap();
    let raw: Vec<&str> = messages.iter().filter_map(|message| message["raw_data"].as_str()).collect();
    let taken = raw.iter().find(|raw| raw.contains(&a_mail().id)).unwrap();
    let taken = letter(&taken.replace("\r\n", "\n").replace('\n', "\r\n"));
    assert_eq!(reply, Reply::Sent { message_id: taken.message_id });
    assert_eq!((taken.to.as_str(), taken.text.as_str()), ("ada@example.com", "You asked to be reminded.\n"));
}

/// A stand-in that answers like SES does when it refuses.
async fn ses_that_says(status: u16, code: &str, message: &str) -> (Peer, Gateway) {
    let body = format!("{{\"message\":\"{message}\"}}");
    let answer = format!(
        "HTTP/1.1 {status} No\r\nx-amzn-errortype: {code}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let peer = Peer::start(answer, Then::Close).await;
    let config = crate::support::moto::config(&peer.url(""));
    (peer, gateway(config))
}

#[tokio::test]
async fn what_ses_says_of_the_message_is_for_good() {
    let (_peer, gateway) = ses_that_says(400, "MessageRejected", "ada@example.com is not verified").await;

    let reason = refused(ask(&gateway, Request::Mail(a_mail())).await);

    assert!(reason.contains("(the recipient) is not verified"), "{reason}");
}

#[tokio::test]
async fn what_ses_says_of_the_account_may_change_and_is_asked_once_an_attempt() {
    for (status, code) in [(400, "SendingPausedException"), (429, "TooManyRequestsException"), (500, "InternalFailure")]
    {
        let (peer, gateway) = ses_that_says(status, code, "not now").await;

        let reason = failed(ask(&gateway, Request::Mail(a_mail())).await);

        assert!(reason.contains("not now"), "{reason}");
        assert_eq!(peer.requests().len(), 1, "{code}");
    }
}

async fn text_of(url: &str) -> String {
    shared::tls::install();
    #[expect(clippy::disallowed_methods, reason = "one request to a server of these tests")]
    let client = reqwest::Client::new();
    client.get(url).send().await.unwrap().text().await.unwrap()
}
