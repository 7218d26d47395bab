//! The schema: every migration, built into the binary.

use sqlx::migrate::Migrator;
use std::sync::LazyLock;

/// The migrations of this build, which code of the release before it lives with. Unknown ones are ignored: during a
/// rollback older code meets a newer schema.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| lenient(sqlx::migrate!()));

/// The migrations that take away what only older releases need. They are applied when somebody asks for it, and never by a
/// deploy.
pub static CONTRACTIONS: LazyLock<Migrator> = LazyLock::new(|| lenient(sqlx::migrate!("migrations/contract")));

fn lenient(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true);
    migrator
}
