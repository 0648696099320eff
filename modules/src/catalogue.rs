//! Every native module, one line each, alphabetical by fully qualified name. Nothing registers itself.

use crate::contract::Entry;

/// All modules.
pub static MODULES: &[Entry] = &[
    Entry::of::<crate::facts::Ec2MetadataFacts>(),
    Entry::of::<crate::packages::Apt>(),
    Entry::of::<crate::packages::AptKey>(),
    Entry::of::<crate::packages::AptRepository>(),
    Entry::of::<crate::files::assemble::Assemble>(),
    Entry::of::<crate::system::AsyncStatus>(),
    Entry::of::<crate::files::blockinfile::Blockinfile>(),
    Entry::of::<crate::commands::command::Command>(),
    Entry::of::<crate::files::copy::Copy>(),
    Entry::of::<crate::system::Cron>(),
    Entry::of::<crate::packages::Deb822Repository>(),
    Entry::of::<crate::packages::Debconf>(),
    Entry::of::<crate::packages::Dnf>(),
    Entry::of::<crate::packages::Dnf5>(),
    Entry::of::<crate::packages::DpkgSelections>(),
    Entry::of::<crate::commands::expect::Expect>(),
    Entry::of::<crate::files::fetch::Fetch>(),
    Entry::of::<crate::files::file::File>(),
    Entry::of::<crate::files::find::Find>(),
    Entry::of::<crate::network::GetUrl>(),
    Entry::of::<crate::system::Getent>(),
    Entry::of::<crate::source_control::git::Git>(),
    Entry::of::<crate::accounts::Group>(),
    Entry::of::<crate::system::Hostname>(),
    Entry::of::<crate::network::Iptables>(),
    Entry::of::<crate::network::KnownHosts>(),
    Entry::of::<crate::files::lineinfile::Lineinfile>(),
    Entry::of::<crate::facts::mount_facts::MountFacts>(),
    Entry::of::<crate::packages::Package>(),
    Entry::of::<crate::facts::package_facts::PackageFacts>(),
    Entry::of::<crate::system::ping::Ping>(),
    Entry::of::<crate::packages::Pip>(),
    Entry::of::<crate::files::replace::Replace>(),
    Entry::of::<crate::packages::RpmKey>(),
    Entry::of::<crate::commands::script::Script>(),
    Entry::of::<crate::services::Service>(),
    Entry::of::<crate::facts::service_facts::ServiceFacts>(),
    Entry::of::<crate::facts::setup::Setup>(),
    Entry::of::<crate::commands::shell::Shell>(),
    Entry::of::<crate::files::slurp::Slurp>(),
    Entry::of::<crate::files::stat::Stat>(),
    Entry::of::<crate::source_control::subversion::Subversion>(),
    Entry::of::<crate::services::SystemdAlias>(),
    Entry::of::<crate::services::Systemd>(),
    Entry::of::<crate::services::Sysvinit>(),
    Entry::of::<crate::files::tempfile::Tempfile>(),
    Entry::of::<crate::files::unarchive::Unarchive>(),
    Entry::of::<crate::network::Uri>(),
    Entry::of::<crate::accounts::User>(),
    Entry::of::<crate::network::WaitFor>(),
    Entry::of::<crate::packages::YumRepository>(),
    Entry::of::<crate::files::acl::Acl>(),
    Entry::of::<crate::system::At>(),
    Entry::of::<crate::accounts::AuthorizedKey>(),
    Entry::of::<crate::network::Firewalld>(),
    Entry::of::<crate::system::Mount>(),
    Entry::of::<crate::files::patch::Patch>(),
    Entry::of::<crate::selinux::Seboolean>(),
    Entry::of::<crate::selinux::Selinux>(),
    Entry::of::<crate::files::synchronize::Synchronize>(),
    Entry::of::<crate::system::Sysctl>(),
    Entry::of::<crate::accounts::OpensshKeypair>(),
    Entry::of::<crate::crypto::OpensslCsr>(),
    Entry::of::<crate::crypto::OpensslCsrInfo>(),
    Entry::of::<crate::crypto::OpensslCsrPipe>(),
    Entry::of::<crate::crypto::OpensslDhparam>(),
    Entry::of::<crate::crypto::OpensslPkcs12>(),
    Entry::of::<crate::crypto::OpensslPrivatekey>(),
    Entry::of::<crate::crypto::OpensslPrivatekeyInfo>(),
    Entry::of::<crate::crypto::OpensslPublickey>(),
    Entry::of::<crate::crypto::X509Certificate>(),
    Entry::of::<crate::crypto::X509CertificateInfo>(),
    Entry::of::<crate::containers::DockerComposeV2>(),
    Entry::of::<crate::containers::DockerContainer>(),
    Entry::of::<crate::containers::DockerContainerExec>(),
    Entry::of::<crate::containers::DockerContainerInfo>(),
    Entry::of::<crate::containers::DockerHostInfo>(),
    Entry::of::<crate::containers::DockerImage>(),
    Entry::of::<crate::containers::DockerImageBuild>(),
    Entry::of::<crate::containers::DockerImagePull>(),
    Entry::of::<crate::containers::DockerLogin>(),
    Entry::of::<crate::containers::DockerNetwork>(),
    Entry::of::<crate::containers::DockerVolume>(),
    Entry::of::<crate::system::Alternatives>(),
    Entry::of::<crate::services::Apache2Module>(),
    Entry::of::<crate::packages::Apk>(),
    Entry::of::<crate::files::archive::Archive>(),
    Entry::of::<crate::files::capabilities::Capabilities>(),
    Entry::of::<crate::packages::Composer>(),
    Entry::of::<crate::system::Crypttab>(),
    Entry::of::<crate::system::Dconf>(),
    Entry::of::<crate::files::deploy_helper::DeployHelper>(),
    Entry::of::<crate::packages::Divert>(),
    Entry::of::<crate::storage::Filesystem>(),
    Entry::of::<crate::packages::Gem>(),
    Entry::of::<crate::source_control::GitConfig>(),
    Entry::of::<crate::network::Haproxy>(),
    Entry::of::<crate::accounts::Htpasswd>(),
    Entry::of::<crate::files::ini_file::IniFile>(),
    Entry::of::<crate::system::LocaleGen>(),
    Entry::of::<crate::storage::Lvg>(),
    Entry::of::<crate::storage::Lvol>(),
    Entry::of::<crate::commands::make::Make>(),
    Entry::of::<crate::system::Modprobe>(),
    Entry::of::<crate::system::Nagios>(),
    Entry::of::<crate::packages::Npm>(),
    Entry::of::<crate::packages::Pacman>(),
    Entry::of::<crate::system::PamLimits>(),
    Entry::of::<crate::system::Pamd>(),
    Entry::of::<crate::storage::Parted>(),
    Entry::of::<crate::selinux::Sefcontext>(),
    Entry::of::<crate::selinux::Seport>(),
    Entry::of::<crate::services::Supervisorctl>(),
    Entry::of::<crate::system::Timezone>(),
    Entry::of::<crate::network::Ufw>(),
    Entry::of::<crate::storage::Zfs>(),
    Entry::of::<crate::packages::Zypper>(),
    Entry::of::<crate::packages::ZypperRepository>(),
    Entry::of::<crate::virtualization::VirtNet>(),
    Entry::of::<crate::virtualization::VirtPool>(),
    Entry::of::<crate::databases::MongodbUser>(),
    Entry::of::<crate::databases::MysqlDb>(),
    Entry::of::<crate::databases::MysqlUser>(),
    Entry::of::<crate::databases::PostgresqlDb>(),
    Entry::of::<crate::databases::PostgresqlPrivs>(),
    Entry::of::<crate::databases::PostgresqlUser>(),
    Entry::of::<crate::messaging::RabbitmqPlugin>(),
    Entry::of::<crate::messaging::RabbitmqPolicy>(),
    Entry::of::<crate::messaging::RabbitmqUser>(),
    Entry::of::<crate::messaging::RabbitmqVhost>(),
    Entry::of::<crate::containers::PodmanImage>(),
    Entry::of::<crate::containers::PodmanNetwork>(),
    Entry::of::<crate::containers::PodmanSecret>(),
    Entry::of::<crate::packages::DebopsDivert>(),
    Entry::of::<crate::kubernetes::HelmRelease>(),
    Entry::of::<crate::kubernetes::HelmInfo>(),
    Entry::of::<crate::kubernetes::HelmRepository>(),
    Entry::of::<crate::kubernetes::K8s>(),
    Entry::of::<crate::kubernetes::K8sInfo>(),
];

/// Finds a module by its fully qualified name.
pub fn find(name: &str) -> Option<&'static Entry> {
    MODULES.iter().find(|e| e.spec.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Json, JsonMap, ModuleSpec, validate};

    #[test]
    fn names_are_sorted_and_unique() {
        let names: Vec<&str> = MODULES.iter().map(|e| e.spec.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:#?}");
    }

    /// Arguments of an example task: a mapping, or text for the free-form argument.
    fn arguments(spec: &ModuleSpec, value: &Json) -> JsonMap {
        match (value, spec.free_form) {
            (Json::Object(map), _) => map.clone(),
            (Json::Null, _) => JsonMap::new(),
            (text, Some(free)) => JsonMap::from_iter([(free.to_owned(), text.clone())]),
            (other, None) => panic!("{}: an example with the arguments {other}", spec.name),
        }
    }

    #[test]
    fn examples_are_tasks_with_valid_arguments() {
        for spec in MODULES.iter().map(|e| e.spec) {
            assert!(!spec.examples.trim().is_empty(), "{} has no examples", spec.name);
            let tasks: Vec<JsonMap> =
                serde_yaml::from_str(spec.examples).unwrap_or_else(|e| panic!("{}: {e}", spec.name));
            for task in tasks {
                assert!(task.contains_key("name"), "{}: an example without a name", spec.name);
                let given = task.get(spec.name).unwrap_or_else(|| panic!("{}: {task:?} does not call it", spec.name));
                let mut args = arguments(spec, given);
                args.extend(task.get("args").and_then(Json::as_object).cloned().unwrap_or_default());
                if let Err(faults) = validate(spec, args) {
                    panic!("{}: {faults:#?}", spec.name);
                }
            }
        }
    }

    #[test]
    fn every_argument_is_documented_and_named_once() {
        for spec in MODULES.iter().map(|e| e.spec) {
            let mut names = std::collections::BTreeSet::new();
            for arg in spec.all_args() {
                assert!(!arg.doc.is_empty() || arg.name.starts_with('_'), "{}: {} has no doc", spec.name, arg.name);
                for name in std::iter::once(&arg.name).chain(arg.aliases) {
                    assert!(names.insert(*name), "{}: {name} twice", spec.name);
                }
            }
        }
    }
}
