//! One client's connection through the proxy, and the place where a fault strikes it.

use std::{io, net::SocketAddr, sync::Mutex};

use bytes::BytesMut;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
};

use super::{
    Fault, Shared,
    messages::{Opening, Statements, take_message, take_opening},
};

/// Relays until either side closes or a fault cuts the connection; then both sides are closed.
pub(super) async fn relay(mut client: TcpStream, upstream: SocketAddr, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut received = BytesMut::new();
    let Some(mut server) = open(&mut client, &mut received, upstream).await? else {
        return Ok(());
    };

    let position = Mutex::new(Position::default());
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::select! {
        ended = requests(from_client, received, to_server, &position, shared) => ended,
        ended = replies(from_server, to_client, &position) => ended,
    }
}

/// Answers what comes before a session and connects to the server; `None` when there is no session.
async fn open(client: &mut TcpStream, received: &mut BytesMut, upstream: SocketAddr) -> io::Result<Option<TcpStream>> {
    loop {
        let Some((opening, packet)) = take_opening(received) else {
            if client.read_buf(received).await? == 0 {
                return Ok(None);
            }
            continue;
        };
        if opening == Opening::Encrypt {
            client.write_all(b"N").await?;
            continue;
        }

        let mut server = TcpStream::connect(upstream).await?;
        server.set_nodelay(true)?;
        server.write_all(&packet).await?;
        if opening == Opening::Cancel {
            // The server says nothing and closes once it has sent the signal: so does the proxy.
            server.read_buf(received).await?;
            return Ok(None);
        }
        return Ok(Some(server));
    }
}

/// Passes on what the client sends, noting each statement.
async fn requests(
    mut client: ReadHalf<'_>,
    mut received: BytesMut,
    mut server: WriteHalf<'_>,
    position: &Mutex<Position>,
    shared: &Shared,
) -> io::Result<()> {
    let mut statements = Statements::default();
    let mut passed_on = BytesMut::new();
    loop {
        while let Some(message) = take_message(&mut received) {
            if let Some(statement) = statements.follow(&message) {
                match shared.note_statement(statement) {
                    Some(Fault::CutBefore) => return server.write_all(&passed_on).await,
                    Some(Fault::SwallowAnswer) => position.lock().unwrap().swallow_next(),
                    Some(Fault::HoldUp(delay)) => {
                        server.write_all(&passed_on).await?;
                        passed_on.clear();
                        tokio::time::sleep(delay).await;
                    }
                    None => {}
                }
            }
            if matches!(message[0], b'Q' | b'S') {
                shared.note_round_trip();
            }
            position.lock().unwrap().sent(message[0]);
            passed_on.extend_from_slice(&message);
        }
        server.write_all(&passed_on).await?;
        passed_on.clear();
        if client.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    }
}

/// Passes on what the server answers, up to an answer that is to be swallowed.
async fn replies(mut server: ReadHalf<'_>, mut client: WriteHalf<'_>, position: &Mutex<Position>) -> io::Result<()> {
    let mut received = BytesMut::new();
    let mut passed_on = BytesMut::new();
    loop {
        while let Some(message) = take_message(&mut received) {
            let verdict = position.lock().unwrap().answered(message[0]);
            match verdict {
                Verdict::Pass => passed_on.extend_from_slice(&message),
                Verdict::Hold => {}
                Verdict::Cut => return client.write_all(&passed_on).await,
            }
        }
        client.write_all(&passed_on).await?;
        passed_on.clear();
        if server.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    }
}

/// What becomes of one message of the server.
enum Verdict {
    Pass,
    Hold,
    Cut,
}

/// How far the client's requests and the server's answers have come.
///
/// Counted in units: a simple query, or the messages up to a `Sync`. The server ends each with
/// `ReadyForQuery`, also after an error, so the two counts meet again whatever happened in between.
#[derive(Default)]
struct Position {
    greeted: bool,
    sent: Count,
    answered: Count,
    swallow: Option<Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    units: usize,
    statements: usize,
}

impl Position {
    /// Marks the statement that is about to be sent: its answer is not to reach the client.
    fn swallow_next(&mut self) {
        self.swallow.get_or_insert(self.sent);
    }

    fn sent(&mut self, kind: u8) {
        match kind {
            b'Q' | b'S' => self.sent.next_unit(),
            b'E' => self.sent.statements += 1,
            _ => {}
        }
    }

    fn answered(&mut self, kind: u8) -> Verdict {
        if !self.greeted {
            self.greeted = kind == b'Z';
            return Verdict::Pass;
        }
        let here = self.answered;
        match kind {
            b'Z' => self.answered.next_unit(),
            // CommandComplete, EmptyQueryResponse, PortalSuspended.
            b'C' | b'I' | b's' => self.answered.statements += 1,
            _ => {}
        }
        match self.swallow {
            // Only now is it certain that the server has finished: without an explicit transaction
            // it commits between CommandComplete and ReadyForQuery.
            Some(marked) if marked.units == here.units && kind == b'Z' => Verdict::Cut,
            Some(marked) if marked.units == here.units && marked.statements <= here.statements => Verdict::Hold,
            _ => Verdict::Pass,
        }
    }
}

impl Count {
    fn next_unit(&mut self) {
        self.units += 1;
        self.statements = 0;
    }
}
