//! Modules of databases, one file each; `client.rs` holds the way to the server.

mod client;
mod grants;
mod mongo;
mod mongodb_user;
mod mysql_db;
mod mysql_user;
mod postgresql;

pub use mongodb_user::MongodbUser;
pub use mysql_db::MysqlDb;
pub use mysql_user::MysqlUser;
pub use postgresql::{PostgresqlDb, PostgresqlPrivs, PostgresqlUser};
