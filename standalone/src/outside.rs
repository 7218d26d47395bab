//! The way out: the code of `functions/outbound` in this process, or that function on AWS.

use outbound::{Config, Gateway, MailConfig, Transport};
use shared::aws::Sdk;
use shared::outbound::Outbound;
use std::sync::Arc;

/// Opens the way out: through the function when one is named.
pub(crate) fn open(function: Option<String>, config: Config, sdk: Arc<Sdk>) -> Outbound {
    match function {
        Some(function) => Outbound::lambda(sdk, &function),
        None => Outbound::local(Arc::new(Gateway::new(config, sdk))),
    }
}

/// Says where mail goes.
pub(crate) fn describe(mail: &MailConfig) -> String {
    match mail {
        MailConfig::Off => "off".to_owned(),
        MailConfig::On { transport: Transport::Folder(folder), .. } => folder.display().to_string(),
        MailConfig::On { transport: Transport::Smtp(_), .. } => "the host that SMTP_URL names".to_owned(),
        MailConfig::On { transport: Transport::Ses, .. } => "Amazon SES".to_owned(),
    }
}
