//! Migrations: the schema and the roles of the database are brought up to date by the deploy, before the new code takes
//! traffic. And the rotation of the secrets, one of which is those roles'.

mod aliases;
mod config;
mod contract;
mod credentials;
mod custom_resource;
mod handler;
mod migrate;
mod roles;
mod rotation;
mod state;
mod vault;

pub use aliases::Aliases;
pub use config::{Config, RotatedSecrets};
pub use handler::handle;
pub use migrate::{Applied, MigrateError, apply, apply_with_roles, contract};
pub use roles::{Roles, RolesError};
pub use state::State;
pub use vault::{Vault, VaultError};
