//! Where errors are sent to, as Sentry writes it: `https://<key>@<host>/<project>`.

use reqwest::Url;
use std::str::FromStr;

/// An address and a key that may send errors there and nothing else.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dsn {
    url: Url,
    key: String,
}

impl Dsn {
    /// Where envelopes are posted.
    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    /// The header that says who sends.
    pub(super) fn auth(&self) -> String {
        let client = concat!("errand/", env!("CARGO_PKG_VERSION"));
        format!("Sentry sentry_version=7, sentry_client={client}, sentry_key={}", self.key)
    }
}

impl FromStr for Dsn {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme())).ok_or(())?;
        let key = url.username().to_owned();
        // A host that serves Sentry beside something else has it below a path.
        let (prefix, project) = url.path().rsplit_once('/').ok_or(())?;
        let is_project = !project.is_empty() && project.bytes().all(|byte| byte.is_ascii_digit());
        let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_project || !is_key || !url.has_host() {
            return Err(());
        }
        let path = format!("{prefix}/api/{project}/envelope/");
        url.set_path(&path);
        url.set_query(None);
        url.set_username("")?;
        url.set_password(None)?;
        Ok(Self { url, key })
    }
}
