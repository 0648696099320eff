//! Modules of the `packages` family, one file each; `shared.rs` holds what they have in common.

mod apt;
mod apt_key;
mod apt_repository;
mod deb822_repository;
mod debconf;
mod debops_dpkg_divert;
mod diversions;
mod dnf;
mod dpkg_divert;
mod dpkg_selections;
mod npm;
mod package;
mod pip;
mod rpm;
mod rpm_key;
mod yum_repository;

pub use apt::Apt;
pub use apt_key::AptKey;
pub use apt_repository::AptRepository;
pub use deb822_repository::Deb822Repository;
pub use debconf::Debconf;
pub use debops_dpkg_divert::DebopsDivert;
pub use dnf::{Dnf, Dnf5};
pub use dpkg_divert::Divert;
pub use dpkg_selections::DpkgSelections;
pub use npm::Npm;
pub use package::Package;
pub use pip::Pip;
pub use rpm_key::RpmKey;
pub use yum_repository::YumRepository;
