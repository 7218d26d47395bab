//! Mail to a mail host. Each message has a connection of its own: a sandbox that froze would find it dead.

use super::compose::Composed;
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use shared::outbound::{Mail, OutboundError};
use std::time::Duration;

/// How long the host may take for one step.
const STEP: Duration = Duration::from_secs(10);

/// Codes that say that we are not let in: whoever runs this has to act, and the mail is not lost meanwhile.
const NOT_LET_IN: [&str; 4] = ["530", "534", "535", "538"];

/// Hands a message over; a host that refuses for good is told apart from one that asks to come back.
pub(super) async fn send(url: &SecretString, mail: &Mail, message: &Composed) -> Result<(), OutboundError> {
    let failed = |error: Error| failure(&error, &mail.to);
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret()).map_err(failed)?;
    let transport: AsyncSmtpTransport<Tokio1Executor> = transport.timeout(Some(STEP)).build();
    transport.send_raw(&message.envelope, &message.bytes).await.map_err(failed)?;
    Ok(())
}

/// Hosts repeat the recipient's address, which must not reach the log.
fn failure(error: &Error, to: &str) -> OutboundError {
    let reason = format!("the mail host: {error}").replace(to, "(the recipient)");
    let is_ours = error.status().is_some_and(|code| NOT_LET_IN.contains(&code.to_string().as_str()));
    if error.is_permanent() && !is_ours { OutboundError::Refused { reason } } else { OutboundError::Failed { reason } }
}
