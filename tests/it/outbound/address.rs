//! The table of addresses that are not on the open internet: first and last of each block, and the neighbours.

use ::outbound::refusal;
use std::net::IpAddr;

fn refusal_of(address: &str) -> Option<&'static str> {
    refusal(address.parse::<IpAddr>().unwrap())
}

#[test]
fn blocks_of_ipv4_are_refused_from_the_first_address_to_the_last() {
    for (first, last, what) in [
        ("0.0.0.0", "0.255.255.255", "this network"),
        ("10.0.0.0", "10.255.255.255", "private"),
        ("100.64.0.0", "100.127.255.255", "shared by a carrier"),
        ("127.0.0.0", "127.255.255.255", "this host"),
        ("168.63.129.16", "168.63.129.16", "a cloud's host"),
        ("169.254.0.0", "169.254.255.255", "link-local"),
        ("172.16.0.0", "172.31.255.255", "private"),
        ("192.0.0.0", "192.0.0.255", "for protocols"),
        ("192.0.2.0", "192.0.2.255", "for documentation"),
        ("192.88.99.0", "192.88.99.255", "a relay"),
        ("192.168.0.0", "192.168.255.255", "private"),
        ("198.18.0.0", "198.19.255.255", "for benchmarks"),
        ("198.51.100.0", "198.51.100.255", "for documentation"),
        ("203.0.113.0", "203.0.113.255", "for documentation"),
        ("224.0.0.0", "239.255.255.255", "multicast"),
        ("240.0.0.0", "255.255.255.254", "reserved"),
        ("255.255.255.255", "255.255.255.255", "broadcast"),
    ] {
        assert_eq!((refusal_of(first), refusal_of(last)), (Some(what), Some(what)), "{first} to {last}");
    }
}

#[test]
fn the_metadata_services_of_clouds_are_refused() {
    for address in ["169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::254"] {
        assert!(refusal_of(address).is_some(), "{address}");
    }
}

#[test]
fn the_neighbours_of_the_blocks_of_ipv4_are_on_the_open_internet() {
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.1.255",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "8.8.8.8",
        "93.184.215.14",
    ] {
        assert_eq!(refusal_of(address), None, "{address}");
    }
}

#[test]
fn blocks_of_ipv6_are_refused_from_the_first_address_to_the_last() {
    for (first, last, what) in [
        ("::", "::", "this network"),
        ("::1", "::1", "this host"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "translated locally"),
        ("100::", "100::ffff:ffff:ffff:ffff", "discarded"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "for protocols"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "for documentation"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "for documentation"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"),
        ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"),
    ] {
        assert_eq!((refusal_of(first), refusal_of(last)), (Some(what), Some(what)), "{first} to {last}");
    }
}

#[test]
fn what_nobody_has_been_given_yet_is_refused() {
    for address in ["::2", "1::", "200::", "1fff:ffff::", "4000::", "5f00::1", "8000::", "e000::", "fe00::"] {
        assert_eq!(refusal_of(address), Some("not assigned"), "{address}");
    }
    // Compatible addresses are a way of writing IPv4 that nobody routes.
    for address in ["::127.0.0.1", "::10.0.0.1", "::8.8.8.8"] {
        assert_eq!(refusal_of(address), Some("not assigned"), "{address}");
    }
}

#[test]
fn global_addresses_of_ipv6_are_on_the_open_internet() {
    for address in
        ["2000::1", "2001:200::", "2001:4860:4860::8888", "2001:db7::", "2001:db9::", "2a00:1450:4001::1", "3ffe::1"]
    {
        assert_eq!(refusal_of(address), None, "{address}");
    }
}

#[test]
fn an_ipv4_address_inside_of_an_ipv6_address_counts() {
    for wrap in [
        |v4: [u8; 4]| format!("::ffff:{}.{}.{}.{}", v4[0], v4[1], v4[2], v4[3]),
        |v4: [u8; 4]| format!("64:ff9b::{}.{}.{}.{}", v4[0], v4[1], v4[2], v4[3]),
        |v4: [u8; 4]| format!("2002:{:02x}{:02x}:{:02x}{:02x}::1", v4[0], v4[1], v4[2], v4[3]),
    ] {
        for (inner, what) in [
            ([127, 0, 0, 1], "this host"),
            ([10, 1, 2, 3], "private"),
            ([169, 254, 169, 254], "link-local"),
            ([0, 0, 0, 0], "this network"),
            ([224, 0, 0, 1], "multicast"),
        ] {
            assert_eq!(refusal_of(&wrap(inner)), Some(what), "{}", wrap(inner));
        }
        assert_eq!(refusal_of(&wrap([93, 184, 215, 14])), None, "{}", wrap([93, 184, 215, 14]));
    }
}
