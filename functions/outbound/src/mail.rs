//! Mail: composed once, handed to whichever transport is configured.

mod compose;
mod folder;
mod ses;
mod smtp;

use crate::config::{MailConfig, Transport};
use lettre::message::Mailbox;
use secrecy::SecretString;
use ses::Ses;
use shared::aws::Sdk;
use shared::clock::Clock;
use shared::outbound::{Mail, OutboundError, Reply};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All of it: connecting, greeting, handing over. Below what an invocation may take.
const LIMIT: Duration = Duration::from_secs(25);

/// Sends mail.
#[derive(Debug)]
pub(crate) struct Mailer {
    way: Option<(Mailbox, Way)>,
    clock: Clock,
}

#[derive(Debug)]
enum Way {
    Folder(PathBuf),
    Smtp(SecretString),
    Ses(Ses),
}

impl Mailer {
    pub(crate) fn new(config: MailConfig, sdk: Arc<Sdk>, clock: Clock) -> Self {
        let way = match config {
            MailConfig::Off => None,
            MailConfig::On { from, transport } => {
                let way = match transport {
                    Transport::Folder(folder) => Way::Folder(folder),
                    Transport::Smtp(url) => Way::Smtp(url),
                    Transport::Ses => Way::Ses(Ses::new(sdk)),
                };
                Some((from, way))
            }
        };
        Self { way, clock }
    }

    pub(crate) async fn send(&self, mail: &Mail) -> Result<Reply, OutboundError> {
        let Some((from, way)) = &self.way else {
            let reason = "this installation sends no mail: MAIL_TRANSPORT is off".to_owned();
            return Err(OutboundError::Refused { reason });
        };
        let composed = compose::compose(mail, from, self.clock.now())?;
        let handed = async {
            match way {
                Way::Folder(folder) => folder::write(folder, &mail.id, &composed).await,
                Way::Smtp(url) => smtp::send(url, mail, &composed).await,
                Way::Ses(ses) => ses.send(from, mail, &composed).await,
            }
        };
        let handed = tokio::time::timeout(LIMIT, handed).await;
        handed.unwrap_or_else(|_| {
            let reason = format!("the mail was not taken within {} s", LIMIT.as_secs());
            Err(OutboundError::Failed { reason })
        })?;
        Ok(Reply::Sent { message_id: composed.id })
    }
}
