//! The schema: every migration, built into the binary.

use sqlx::migrate::Migrator;
use std::sync::LazyLock;

/// The migrations of this build. Unknown ones are ignored: during a rollback older code meets a newer schema.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
});
