//! Mail to a mail host: one of these tests' own, that says what it was told to.

use super::{a_mail, ask, failed, refused, sender};
use crate::support::mail::letter;
use ::outbound::Transport;
use shared::outbound::{Mail, Reply, Request};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A mail host that speaks as much SMTP as is needed.
struct Host {
    url: String,
    taken: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Host {
    /// Starts a host that answers a recipient with this line.
    async fn start(to_recipient: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&taken);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                serve(connection, to_recipient, &seen).await;
            }
        });
        Self { url, taken, _tasks: tasks }
    }

    fn transport(&self) -> Transport {
        Transport::Smtp(self.url.clone().into())
    }
}

/// Serves a connection to its end.
async fn serve(connection: TcpStream, to_recipient: &str, taken: &Mutex<Vec<String>>) {
    let mut connection = BufReader::new(connection);
    connection.write_all(b"220 host\r\n").await.unwrap();
    let mut line = String::new();
    loop {
        line.clear();
        if connection.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let answer = match line.split_whitespace().next().unwrap_or_default() {
            "RCPT" => to_recipient,
            "DATA" => {
                connection.write_all(b"354 go on\r\n").await.unwrap();
                let message = message(&mut connection).await;
                taken.lock().unwrap().push(message);
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        connection.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
}

/// Reads a message up to the line that is a dot.
async fn message(connection: &mut BufReader<TcpStream>) -> String {
    let mut message = String::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        if line == ".\r\n" {
            return message;
        }
        message.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}

#[tokio::test]
async fn a_mail_is_handed_to_the_host() {
    let host = Host::start("250 fine").await;
    let mail = Mail { text: "First.\n.\n.Last.\n".to_owned(), ..a_mail() };

    let reply = ask(&sender(host.transport()), Request::Mail(mail)).await.unwrap();

    let taken = letter(&host.taken.lock().unwrap()[0]);
    assert_eq!(reply, Reply::Sent { message_id: taken.message_id.clone() });
    assert_eq!((taken.from.as_str(), taken.to.as_str()), ("Errand <errand@example.com>", "ada@example.com"));
    // The client ends every message with a line break of its own.
    assert_eq!(taken.text, "First.\n.\n.Last.\n\n");
}

#[tokio::test]
async fn a_second_run_sends_the_same_message_id() {
    let host = Host::start("250 fine").await;
    let gateway = sender(host.transport());

    for _ in 0..2 {
        ask(&gateway, Request::Mail(a_mail())).await.unwrap();
    }

    let ids: Vec<String> = host.taken.lock().unwrap().iter().map(|message| letter(message).message_id).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_recipient_that_does_not_exist_is_refused_and_not_named() {
    let host = Host::start("550 5.1.1 <ada@example.com> is unknown").await;

    let reason = refused(ask(&sender(host.transport()), Request::Mail(a_mail())).await);

    assert!(reason.contains("550") && reason.contains("is unknown"), "{reason}");
    assert!(!reason.contains("ada@example.com"), "{reason}");
}

#[tokio::test]
async fn a_host_that_asks_to_come_back_or_wants_a_password_is_asked_again() {
    for line in ["451 4.7.1 greylisted", "452 4.2.2 full", "530 5.7.0 authentication required"] {
        let host = Host::start(line).await;

        let reason = failed(ask(&sender(host.transport()), Request::Mail(a_mail())).await);

        assert!(reason.contains(&line[..3]), "{reason}");
        assert!(host.taken.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_host_that_is_away_is_asked_again() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://ada:secret-word@{}", nobody.local_addr().unwrap());
    drop(nobody);

    let reason = failed(ask(&sender(Transport::Smtp(url.into())), Request::Mail(a_mail())).await);

    assert!(reason.starts_with("the mail host: Connection error"), "{reason}");
    assert!(!reason.contains("secret-word"), "{reason}");
}
