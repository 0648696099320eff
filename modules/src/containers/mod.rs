//! Modules of the `containers` family. `engine.rs` speaks the engine's API and `cli.rs` runs its program where the
//! collection does; `images.rs` and `logins.rs` hold what the modules share of images and registries; `road.rs` is how
//! they run.

mod build;
mod cli;
mod docker_compose_v2;
mod docker_container;
mod docker_container_exec;
mod docker_container_info;
mod docker_host_info;
mod docker_image;
mod docker_image_build;
mod docker_image_pull;
mod docker_login;
mod docker_network;
mod docker_volume;
pub(crate) mod engine;
mod images;
mod logins;
mod podman;
mod road;
#[cfg(test)]
mod scripted;

pub use docker_compose_v2::DockerComposeV2;
pub use docker_container::DockerContainer;
pub use docker_container_exec::DockerContainerExec;
pub use docker_container_info::DockerContainerInfo;
pub use docker_host_info::DockerHostInfo;
pub use docker_image::DockerImage;
pub use docker_image_build::DockerImageBuild;
pub use docker_image_pull::DockerImagePull;
pub use docker_login::DockerLogin;
pub use docker_network::DockerNetwork;
pub use docker_volume::DockerVolume;
pub use podman::{PodmanImage, PodmanNetwork, PodmanSecret};

use crate::contract::{Failure, Json, JsonMap, python_text};

/// Labels as texts.
///
/// # Errors
/// A value is neither a text nor a whole number.
fn labels(given: &JsonMap) -> Result<JsonMap, Failure> {
    let one = |(name, value): (&String, &Json)| {
        if value.is_boolean() || value.is_f64() {
            return Err(Failure::new(format!(
                "The value {} for '{name}' of labels is not a string or something than can be safely converted to a string!",
                python_text(value)
            )));
        }
        Ok((name.clone(), python_text(value).into()))
    };
    given.iter().map(one).collect()
}
