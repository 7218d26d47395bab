//! The socket inside of a function that what is said to the database goes through before it is encrypted.

use super::{read_tasks, trusting};
use std::fs;
use std::io::ErrorKind::ConnectionReset;
use std::io::{Read as _, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

#[tokio::test]
async fn no_other_process_may_use_the_way_to_the_database() {
    let Some((stack, _server, _authority)) = trusting().await else { return };
    let (status, api) = read_tasks(&stack).await;

    let mut stream = UnixStream::connect_addr(&socket_of(api.pid())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // It may be closed before it takes this.
    stream.write_all(b"\0\0\0\x14\0\x03\0\0user\0errand\0\0").ok();
    let answer = stream.read_to_end(&mut Vec::new());

    assert_eq!(status, 200);
    let is_closed = matches!(&answer, Ok(0)) || answer.as_ref().is_err_and(|error| error.kind() == ConnectionReset);
    assert!(is_closed, "{answer:?}");
}

/// Finds the socket without a file that a process listens on.
fn socket_of(pid: u32) -> SocketAddr {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let own: Vec<String> = descriptors
        .filter_map(|descriptor| fs::read_link(descriptor.unwrap().path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let sockets = fs::read_to_string(format!("/proc/{pid}/net/unix")).unwrap();
    let name = sockets.lines().find_map(|line| {
        let (rest, name) = line.split_once(" @errand-")?;
        own.iter().any(|inode| rest.ends_with(inode)).then(|| format!("errand-{name}"))
    });
    SocketAddr::from_abstract_name(name.unwrap()).unwrap()
}
