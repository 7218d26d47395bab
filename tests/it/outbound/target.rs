//! What is refused before, and while, something is connected: each with its reason.

use super::peer::{Peer, Then};
use super::{answered, ask, call, caller, failed, refused};
use ::outbound::Reach;
use shared::outbound::{HttpCall, Request};

async fn refusal(url: &str) -> String {
    refused(ask(&caller(Reach::Internet), Request::Http(call(url))).await)
}

#[tokio::test]
async fn an_address_of_this_side_is_refused_however_it_is_written() {
    for (url, what) in [
        ("https://127.0.0.1/", "this host"),
        ("https://127.1/", "this host"),
        ("https://0x7f.1/", "this host"),
        ("https://2130706433/", "this host"),
        ("https://017700000001/", "this host"),
        ("https://１２７.0.0.1/", "this host"),
        ("https://127.0.0.1./", "this host"),
        ("https://0/", "this network"),
        ("https://10.0.0.1:8443/", "private"),
        ("https://169.254.169.254/latest/meta-data/", "link-local"),
        ("https://[::1]/", "this host"),
        ("https://[::]/", "this network"),
        ("https://[::ffff:127.0.0.1]/", "this host"),
        ("https://[::ffff:a00:1]/", "private"),
        ("https://[64:ff9b::a9fe:a9fe]/", "link-local"),
        ("https://[2002:7f00:1::]/", "this host"),
        ("https://[fd00:ec2::254]/", "private"),
        ("https://[fe80::1]/", "link-local"),
    ] {
        let reason = refusal(url).await;

        assert_eq!(reason, format!("the URL's host is not on the open internet: its address is {what}"), "{url}");
    }
}

/// The name is looked up once, for the connection, and what it means is checked there.
#[tokio::test]
async fn a_name_that_means_an_address_of_this_side_is_refused_for_good() {
    for url in ["https://localhost/", "https://LOCALHOST/", "https://localhost:8443/"] {
        let reason = refusal(url).await;

        assert_eq!(reason, "the URL's host is not on the open internet: its address is this host", "{url}");
    }
}

/// The same name and the same server, for which a way out of a laptop is no boundary: what refuses is the check.
#[tokio::test]
async fn a_way_out_that_may_reach_this_machine_reaches_it_by_name_too() {
    let peer = Peer::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Then::Close).await;
    let url = format!("http://localhost:{}/", peer.address.port());

    let (status, ..) = answered(ask(&caller(Reach::Anywhere), Request::Http(call(&url))).await);

    assert_eq!((status, peer.requests().len()), (200, 1));
}

#[tokio::test]
async fn a_name_that_means_nothing_may_mean_something_another_time() {
    let call = HttpCall { timeout_ms: 20_000, ..call("https://nowhere.invalid/") };

    failed(ask(&caller(Reach::Internet), Request::Http(call)).await);
}

#[tokio::test]
async fn a_url_that_is_not_for_calls_is_refused() {
    for (url, reason) in [
        ("http://example.com/", "the URL is not encrypted: it must start with https://"),
        ("ftp://example.com/", "the URL is not one of HTTP: it must start with https://"),
        ("file:///etc/passwd", "the URL is not one of HTTP: it must start with https://"),
        ("https://ada:secret@example.com/", "the URL holds a user name or a password"),
        ("https://ada@example.com/", "the URL holds a user name or a password"),
        ("https://example.com:22/", "the URL's port is neither 443 nor 8443"),
        ("https://example.com:80/", "the URL's port is neither 443 nor 8443"),
        ("https://example.com:5432/", "the URL's port is neither 443 nor 8443"),
        ("hook", "the URL cannot be read: relative URL without a base"),
        ("https://", "the URL cannot be read: empty host"),
        ("https://[::1/", "the URL cannot be read: invalid IPv6 address"),
    ] {
        assert_eq!(refusal(url).await, reason, "{url}");
    }
    let long = format!("https://example.com/{}", "a".repeat(2048));
    assert_eq!(refusal(&long).await, "the URL has more than 2048 characters");
}

#[tokio::test]
async fn a_header_that_would_be_two_or_is_ours_is_refused() {
    let peer = Peer::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Then::Close).await;
    for (name, value, what) in [
        ("x-name", "a\r\nhost: elsewhere", "has no valid value"),
        ("x-name\r\nhost", "elsewhere", "has no valid name"),
        ("", "a", "has no valid name"),
        ("Host", "elsewhere", "is not for callers to set"),
        ("Content-Length", "0", "is not for callers to set"),
        ("Transfer-Encoding", "chunked", "is not for callers to set"),
        ("connection", "upgrade", "is not for callers to set"),
    ] {
        let call = HttpCall { headers: vec![(name.to_owned(), value.to_owned())], ..call(&peer.url("/")) };

        let reason = refused(ask(&caller(Reach::Anywhere), Request::Http(call)).await);

        assert_eq!(reason, format!("the header {name:?} {what}"));
    }
    assert_eq!(peer.requests(), [""; 0]);
}
