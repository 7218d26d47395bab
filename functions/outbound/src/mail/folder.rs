//! Mail as files, for a laptop and for tests: one `.eml` for each id, so that a second run overwrites.

use super::compose::Composed;
use shared::outbound::OutboundError;
use std::io;
use std::path::Path;

/// Writes a message under its id. It appears as a whole, or not at all.
pub(super) async fn write(folder: &Path, id: &str, message: &Composed) -> Result<(), OutboundError> {
    let unfinished = folder.join(format!(".{id}.eml"));
    let finished = folder.join(format!("{id}.eml"));
    let written: io::Result<()> = async {
        tokio::fs::create_dir_all(folder).await?;
        tokio::fs::write(&unfinished, &message.bytes).await?;
        tokio::fs::rename(&unfinished, &finished).await
    }
    .await;
    written.map_err(|error| OutboundError::Failed {
        reason: format!("the folder {} does not take the mail: {error}", folder.display()),
    })
}
