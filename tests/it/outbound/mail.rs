//! Mail as it is composed, and as it lies in a folder.

use super::{a_mail, ask, refused, sender};
use crate::support::mail::{gateway, letters};
use ::outbound::{Gateway, MailConfig, Reach, Transport};
use shared::outbound::{Mail, Reply, Request};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

#[tokio::test]
async fn a_mail_is_a_file_with_everything_in_it() {
    let folder = TempDir::new().unwrap();

    let reply = ask(&gateway(folder.path()), Request::Mail(a_mail())).await.unwrap();

    let message_id = "<01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001@example.com>".to_owned();
    assert_eq!(reply, Reply::Sent { message_id: message_id.clone() });
    let file = fs::read_to_string(folder.path().join("01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001.eml")).unwrap();
    let (head, text) = file.split_once("\r\n\r\n").unwrap();
    let mut headers: Vec<&str> = head.lines().filter(|line| !line.starts_with("Date: ")).collect();
    headers.sort_unstable();
    insta::assert_snapshot!(headers.join("\n"), @r"
    Auto-Submitted: auto-generated
    Content-Transfer-Encoding: 7bit
    Content-Type: text/plain; charset=utf-8
    From: Errand <errand@example.com>
    Message-ID: <01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001@example.com>
    Subject: Reminder: Nap
    To: ada@example.com
    X-Errand-Id: 01a1fd2c-77da-7b3d-8e21-4c5d6e7f8001
    ");
    assert_eq!(text, "You asked to be reminded.\r\n");
}

#[tokio::test]
async fn the_same_mail_sent_twice_is_one_file() {
    let folder = TempDir::new().unwrap();
    let gateway = gateway(folder.path());

    for text in ["first", "second"] {
        ask(&gateway, Request::Mail(Mail { text: text.to_owned(), ..a_mail() })).await.unwrap();
    }
    ask(&gateway, Request::Mail(Mail { id: "another".to_owned(), ..a_mail() })).await.unwrap();

    let texts: Vec<String> = letters(folder.path()).into_iter().map(|letter| letter.text).collect();
    assert_eq!(texts, ["second", "You asked to be reminded.\n"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn what_would_become_another_header_is_refused_with_the_name_of_the_field() {
    let folder = TempDir::new().unwrap();
    let gateway = gateway(folder.path());
    let to = |to: &str| Mail { to: to.to_owned(), ..a_mail() };
    let subject = |subject: &str| Mail { subject: subject.to_owned(), ..a_mail() };
    let id = |id: &str| Mail { id: id.to_owned(), ..a_mail() };
    for (mail, reason) in [
        (to("ada@example.com\r\nBcc: grace@example.com"), "\"to\" contains a control character"),
        (to("ada@example.com\0"), "\"to\" contains a control character"),
        (to("ada@example.com, grace@example.com"), "\"to\" is not an e-mail address: "),
        (to("Ada <ada@example.com>"), "\"to\" is not an e-mail address: "),
        (to("ada"), "\"to\" is not an e-mail address: "),
        (to(""), "\"to\" is not an e-mail address: "),
        (to(&format!("{}@example.com", "a".repeat(320))), "\"to\" has more than 320 characters"),
        (subject("Nap\r\nBcc: grace@example.com"), "\"subject\" contains a line break or another control character"),
        (subject("Nap\nX: y"), "\"subject\" contains a line break or another control character"),
        (subject("Nap\u{2028}X: y"), "\"subject\" contains a line break or another control character"),
        (subject(""), "\"subject\" is empty"),
        (subject(&"a".repeat(501)), "\"subject\" has more than 500 characters"),
        (id("../../etc/passwd"), "\"id\" is not 1 to 128 letters"),
        (id("a>\r\nX: y"), "\"id\" is not 1 to 128 letters"),
        (id(".hidden"), "\"id\" is not 1 to 128 letters"),
        (id(""), "\"id\" is not 1 to 128 letters"),
    ] {
        let said = refused(ask(&gateway, Request::Mail(mail)).await);

        assert!(said.starts_with(&format!("the mail's {reason}")), "{said}");
    }
    assert_eq!(letters(folder.path()), []);
}

#[tokio::test]
async fn letters_of_all_languages_come_through() {
    let folder = TempDir::new().unwrap();
    let mail = Mail {
        subject: "Erinnerung: Wäsche 🧺".to_owned(),
        text: "Zieh die Wäsche aus der 🧺.\n.\nEnde".to_owned(),
        ..a_mail()
    };

    ask(&gateway(folder.path()), Request::Mail(mail)).await.unwrap();

    let letter = letters(folder.path()).pop().unwrap();
    assert!(letter.subject.is_ascii() && letter.subject.contains("=?utf-8?"), "{}", letter.subject);
    assert!(letter.text.is_ascii() && letter.text.contains("W=C3=A4sche"), "{}", letter.text);
}

#[tokio::test]
async fn an_installation_without_mail_says_so() {
    let gateway = Gateway::new(crate::support::mail::config(MailConfig::Off, Reach::Internet), Arc::default());

    let reason = refused(ask(&gateway, Request::Mail(a_mail())).await);

    assert_eq!(reason, "this installation sends no mail: MAIL_TRANSPORT is off");
}

#[tokio::test]
async fn a_folder_that_takes_nothing_may_take_it_another_time() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();

    let reason = super::failed(ask(&sender(Transport::Folder(file)), Request::Mail(a_mail())).await);

    assert!(reason.contains("does not take the mail"), "{reason}");
}
