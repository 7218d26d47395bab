//! Which variables choose the transport, and what is wrong with bad ones.

use ::outbound::{Config, MailConfig, Reach, Transport};

fn load(variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let lookup = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Config::load(&lookup).map_err(|error| error.problems)
}

/// Which transport is chosen, in a word, and who mails come from.
#[track_caller]
fn chosen(variables: &[(&str, &str)]) -> (&'static str, String) {
    match load(variables).unwrap().mail {
        MailConfig::Off => ("off", String::new()),
        MailConfig::On { from, transport: Transport::Folder(_) } => ("folder", from.to_string()),
        MailConfig::On { from, transport: Transport::Smtp(_) } => ("smtp", from.to_string()),
        MailConfig::On { from, transport: Transport::Ses } => ("ses", from.to_string()),
    }
}

const FROM: (&str, &str) = ("MAIL_FROM", "Errand <errand@example.com>");

#[test]
fn the_transport_is_the_one_that_is_named_or_else_the_one_that_is_there() {
    let folder = ("MAIL_DIR", "/tmp/mail");
    let smtp = ("SMTP_URL", "smtps://user:word@mail.example.com");
    let sender = FROM.1.to_owned();

    assert_eq!(chosen(&[folder]), ("folder", "Errand <errand@localhost>".to_owned()));
    assert_eq!(chosen(&[folder, FROM]), ("folder", sender.clone()));
    assert_eq!(chosen(&[folder, smtp, FROM]), ("smtp", sender.clone()));
    assert_eq!(chosen(&[folder, smtp, FROM, ("MAIL_TRANSPORT", "folder")]), ("folder", sender.clone()));
    assert_eq!(chosen(&[folder, smtp, FROM, ("MAIL_TRANSPORT", "ses")]), ("ses", sender));
    assert_eq!(chosen(&[folder, smtp, ("MAIL_TRANSPORT", "off")]), ("off", String::new()));
}

#[test]
fn what_is_wrong_is_named_and_no_password_is_told() {
    for (variables, problem) in [
        (&[][..], "MAIL_DIR is not set"),
        (&[("MAIL_TRANSPORT", "pigeon")], "MAIL_TRANSPORT is \"pigeon\""),
        (&[("MAIL_TRANSPORT", "smtp"), FROM], "SMTP_URL is not set"),
        (&[("MAIL_TRANSPORT", "folder")], "MAIL_DIR is not set"),
        (&[("MAIL_TRANSPORT", "ses")], "MAIL_FROM is not set"),
        (&[("MAIL_TRANSPORT", "ses"), ("MAIL_FROM", "nobody")], "MAIL_FROM is not an address"),
        (&[("MAIL_TRANSPORT", "ses"), ("MAIL_FROM", "a@b.c\r\nBcc: d@e.f")], "MAIL_FROM is not an address"),
        (&[("SMTP_URL", "https://user:word@example.com"), FROM], "SMTP_URL is not a URL like"),
        (&[("SMTP_URL", "word"), FROM], "SMTP_URL is not a URL like"),
        (&[("SMTP_URL", "smtp://user:word@example.com"), FROM], "SMTP_URL would send its password unencrypted"),
        (&[("MAIL_DIR", "/tmp"), ("OUTBOUND_ALLOW_PRIVATE", "1")], "OUTBOUND_ALLOW_PRIVATE is \"1\""),
    ] {
        let problems = load(variables).unwrap_err();

        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(problem) && !problems[0].contains(":word@"), "{problems:?}");
    }
}

#[test]
fn a_password_may_go_to_this_machine_or_after_starttls() {
    for url in ["smtp://user:word@127.0.0.1:1025", "smtp://user:word@mail.example.com?tls=required"] {
        assert_eq!(chosen(&[("SMTP_URL", url), FROM]).0, "smtp");
    }
}

#[test]
fn private_addresses_are_out_of_reach_unless_somebody_says_otherwise() {
    let reach = |value| load(&[("MAIL_DIR", "/tmp"), ("OUTBOUND_ALLOW_PRIVATE", value)]).unwrap().reach;

    assert_eq!(load(&[("MAIL_DIR", "/tmp")]).unwrap().reach, Reach::Internet);
    assert_eq!((reach("off"), reach("")), (Reach::Internet, Reach::Internet));
    assert_eq!(reach("on"), Reach::Anywhere);
}

#[test]
fn the_password_is_not_shown() {
    let config = load(&[("SMTP_URL", "smtps://user:word@mail.example.com"), FROM]).unwrap();

    assert!(!format!("{config:?}").contains("word@"), "{config:?}");
}
