//! Modules for PostgreSQL, through the host's own programs.

mod client;
mod database;
mod privileges;
mod scram;
mod user;

pub use database::PostgresqlDb;
pub use privileges::PostgresqlPrivs;
pub use user::PostgresqlUser;
