//! The way out: what it sends, what it refuses, and how workers ask it.

mod address;
mod config;
mod events;
mod http;
mod invoke;
mod mail;
pub mod peer;
mod ses;
mod smtp;
mod target;

use crate::support::mail::config as configuration;
use ::outbound::{Config, Gateway, MailConfig, Reach, Transport};
use shared::outbound::{HttpCall, Local as _, Mail, OutboundError, Reply, Request};
use std::sync::Arc;

/// A way out that makes HTTP calls, and sends no mail.
fn caller(reach: Reach) -> Gateway {
    Gateway::new(configuration(MailConfig::Off, reach), Arc::default())
}

/// A way out that sends mail by a transport.
fn sender(transport: Transport) -> Gateway {
    Gateway::new(sending(transport), Arc::default())
}

fn sending(transport: Transport) -> Config {
    let from = "Errand <errand@example.com>".parse().unwrap();
    configuration(MailConfig::On { from, transport }, Reach::Internet)
}

/// A call that has more time than it needs, on however busy a machine.
fn call(url: &str) -> HttpCall {
    HttpCall { url: url.to_owned(), headers: Vec::new(), body: "{}".to_owned(), timeout_ms: 20_000 }
}

fn a_mail() -> Mail {
    Mail {
        to: "ada@example.com".to_owned(),
        subject: "Reminder: Nap".to_owned(),
        text: "You asked to be reminded.\n".to_owned(),
        id: "01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001".to_owned(),
    }
}

async fn ask(gateway: &Gateway, request: Request) -> Result<Reply, OutboundError> {
    gateway.call(request).await
}

/// Asks for an HTTP call that is answered.
#[track_caller]
fn answered(reply: Result<Reply, OutboundError>) -> (u16, Option<u64>, String, u64) {
    match reply {
        Ok(Reply::Answered { status, retry_after_s, body, duration_ms }) => (status, retry_after_s, body, duration_ms),
        other => panic!("{other:?}"),
    }
}

/// Insists that it would fail each time, and returns why.
#[track_caller]
fn refused(reply: Result<Reply, OutboundError>) -> String {
    match reply {
        Err(OutboundError::Refused { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Insists that it may succeed another time, and returns why it did not.
#[track_caller]
fn failed(reply: Result<Reply, OutboundError>) -> String {
    match reply {
        Err(OutboundError::Failed { reason }) => reason,
        other => panic!("{other:?}"),
    }
}
