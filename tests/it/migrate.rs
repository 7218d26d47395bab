//! Migrations, as the deploy runs them.
