//! Modules of the `messaging` family, one file each; `shared.rs` holds what they have in common.

mod rabbitmq_plugin;
mod rabbitmq_policy;
mod rabbitmq_user;
mod rabbitmq_vhost;
mod shared;

pub use rabbitmq_plugin::RabbitmqPlugin;
pub use rabbitmq_policy::RabbitmqPolicy;
pub use rabbitmq_user::RabbitmqUser;
pub use rabbitmq_vhost::RabbitmqVhost;
