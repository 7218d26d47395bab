//! Mail through Amazon SES, which takes the message as it was composed and replaces its Message-ID.

use super::compose::Composed;
use anyhow::Context as _;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use lettre::message::Mailbox;
use shared::aws::Sdk;
use shared::outbound::{Mail, OutboundError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How long SES may take.
const LIMIT: Duration = Duration::from_secs(15);

/// The client of SES, made when first used.
#[derive(Debug)]
pub(super) struct Ses {
    sdk: Arc<Sdk>,
    client: OnceCell<Client>,
}

impl Ses {
    pub(super) fn new(sdk: Arc<Sdk>) -> Self {
        Self { sdk, client: OnceCell::new() }
    }

    pub(super) async fn send(&self, from: &Mailbox, mail: &Mail, message: &Composed) -> Result<(), OutboundError> {
        let client = self.client.get_or_init(|| self.connect()).await;
        let raw = RawMessage::builder().data(Blob::new(message.bytes.clone())).build();
        let raw = raw.context("the message is not one for SES").map_err(OutboundError::Unavailable)?;
        let request = client
            .send_email()
            .from_email_address(from.email.to_string())
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(EmailContent::builder().raw(raw).build());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failure(error, &mail.to)),
        }
    }

    /// The function is outside of the VPC and has IPv4, and SES has no dual-stack name in every region. The SDK tries
    /// once: the job that is retried has a log, and a second mail because of a late answer would have none.
    async fn connect(&self) -> Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .read_timeout(LIMIT)
            .operation_attempt_timeout(LIMIT)
            .operation_timeout(LIMIT)
            .build();
        let config = aws_sdk_sesv2::config::Builder::from(self.sdk.config().await)
            .use_dual_stack(false)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Client::from_conf(config)
    }
}

/// What SES says of this message is for good. What it says of the account, or nothing at all, may change.
fn failure(error: SdkError<SendEmailError>, to: &str) -> OutboundError {
    let is_for_good = matches!(
        error.as_service_error(),
        Some(SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_))
    );
    let error = anyhow::Error::new(aws_sdk_sesv2::Error::from(error));
    let reason = format!("SES: {error:#}").replace(to, "(the recipient)");
    if is_for_good { OutboundError::Refused { reason } } else { OutboundError::Failed { reason } }
}
