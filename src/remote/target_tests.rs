//! Variables → target, as data cases.
#![allow(clippy::unwrap_used)]

use super::*;
use std::collections::BTreeMap;

fn target(vars: &[(&str, Value)], defaults: &ConnectionDefaults) -> Result<Target, String> {
    let vars: BTreeMap<&str, Value> = vars.iter().cloned().collect();
    Target::new(&HostName::new("web1"), &|name| Ok(vars.get(name).cloned()), defaults).map_err(|d| d.message)
}

fn ssh(target: &Target) -> &SshSettings {
    match &*target.connection {
        Connection::Ssh(settings) => settings,
        other => panic!("{other:?}"),
    }
}

fn options(target: &Target) -> Vec<String> {
    ssh(target).options.iter().map(|(k, v)| format!("{k}={v}")).collect()
}

#[test]
fn options_stand_in_the_order_of_ansibles_command_line() {
    let defaults = ConnectionDefaults {
        host_key_checking: false,
        ssh_args: "-C -o ControlMaster=auto -o ControlPersist=60s".into(),
        ssh_extra_args: "-o ForwardAgent=no".into(),
        ..ConnectionDefaults::default()
    };
    let vars: &[(&str, Value)] = &[
        ("ansible_host", "10.0.0.1".into()),
        ("ansible_port", Value::Int(2222)),
        ("ansible_user", "deploy".into()),
        ("ansible_ssh_private_key_file", "~/key".into()),
        ("ansible_ssh_common_args", "-J bastion -o 'UserKnownHostsFile=/dev/null'".into()),
    ];
    let target = target(vars, &defaults).unwrap();
    assert_eq!(ssh(&target).address, "10.0.0.1");
    assert_eq!(
        options(&target),
        [
            "compression=yes",
            "controlmaster=auto",
            "controlpersist=60s",
            "stricthostkeychecking=no",
            "port=2222",
            "identityfile=~/key",
            "user=deploy",
            "connecttimeout=10",
            "proxyjump=bastion",
            "userknownhostsfile=/dev/null",
            "forwardagent=no",
        ]
    );
}

#[test]
fn variables_win_over_defaults() {
    let defaults = ConnectionDefaults {
        escalate: true,
        become_user: Some("postgres".into()),
        remote_user: Some("root".into()),
        ..ConnectionDefaults::default()
    };
    let plain = target(&[], &defaults).unwrap();
    assert_eq!(plain.escalation.as_ref().unwrap().user, "postgres");
    assert_eq!(ssh(&plain).address, "web1");
    let vars: &[(&str, Value)] = &[
        ("ansible_become_user", "app".into()),
        ("ansible_become_pass", "s3cret".into()),
        ("ansible_become_method", "su".into()),
        ("ansible_user", "ops".into()),
    ];
    let other = target(vars, &defaults).unwrap();
    let escalation = other.escalation.as_ref().unwrap();
    assert_eq!((escalation.method, escalation.user.as_str()), (Method::Su, "app"));
    assert_eq!(escalation.password.as_ref().unwrap().expose(), "s3cret");
    assert!(!format!("{other:?}").contains("s3cret"));
    assert!(options(&other).contains(&"user=ops".to_owned()));
    assert!(target(&[("ansible_become", Value::Bool(false))], &defaults).unwrap().escalation.is_none());
}

#[test]
fn who_logs_in_as_the_wanted_user_does_not_become_it() {
    let defaults = ConnectionDefaults {
        escalate: true,
        remote_user: Some("root".into()),
        local_user: Some("me".into()),
        ..ConnectionDefaults::default()
    };
    let becomes = |vars: &[(&str, Value)], defaults: &ConnectionDefaults| {
        target(vars, defaults).unwrap().escalation.as_ref().map(|e| e.user.clone())
    };
    assert_eq!(becomes(&[], &defaults), None);
    assert_eq!(becomes(&[], &ConnectionDefaults { become_same_user: true, ..defaults.clone() }), Some("root".into()));
    assert_eq!(becomes(&[("ansible_user", "deploy".into())], &defaults), Some("root".into()));
    assert_eq!(becomes(&[("ansible_connection", "local".into())], &defaults), Some("root".into()));
    let local = [("ansible_connection", "local".into()), ("ansible_become_user", "me".into())];
    assert_eq!(becomes(&local, &defaults), None);
}

#[test]
fn refusals_name_the_host_and_the_fault() {
    let become_on = ConnectionDefaults { escalate: true, ..ConnectionDefaults::default() };
    let cases: &[(&str, Value, &str)] = &[
        ("ansible_port", "70000".into(), "host web1: ansible_port `70000` is not a port number"),
        ("ansible_connection", "winrm".into(), "host web1: Windows hosts are not supported"),
        (
            "ansible_connection",
            "network_cli".into(),
            "host web1: the connection `network_cli` is not supported; ssh, local, docker and podman are",
        ),
        (
            "ansible_become_method",
            "doas".into(),
            "host web1: the become method `doas` is not supported; sudo and su are",
        ),
        ("ansible_become", "perhaps".into(), "host web1: ansible_become `perhaps` is not a boolean"),
        ("ansible_host", "a b".into(), "host web1: ansible_host `a b` is not a host name or an address"),
        (
            "ansible_ssh_common_args",
            "-o 'x".into(),
            "host web1: ansible_ssh_common_args `-o 'x` cannot be used: No closing quotation",
        ),
        ("ansible_password", Value::list(vec![]), "host web1: ansible_password is a list, not a string"),
    ];
    for (name, value, want) in cases {
        assert_eq!(target(&[(name, value.clone())], &become_on).unwrap_err(), *want);
    }
}

#[test]
fn connections_by_name() {
    let kind = |name: &str| {
        let target = target(&[("ansible_connection", name.into())], &ConnectionDefaults::default()).unwrap();
        match &*target.connection {
            Connection::Local => "local".to_owned(),
            Connection::Ssh(_) => "ssh".to_owned(),
            Connection::Container(c) => format!("{} {}", c.program, c.container),
        }
    };
    let cases = [
        ("smart", "ssh"),
        ("ansible.builtin.ssh", "ssh"),
        ("paramiko_ssh", "ssh"),
        ("local", "local"),
        ("community.docker.docker", "docker web1"),
        ("podman", "podman web1"),
    ];
    for (name, want) in cases {
        assert_eq!(kind(name), want);
    }
}

#[test]
fn prompts_of_su_and_the_patience_with_them() {
    let defaults = ConnectionDefaults {
        escalate: true,
        become_method: "su".into(),
        su_prompts: vec!["Kennwort".into()],
        ..ConnectionDefaults::default()
    };
    let prompts = |vars: &[(&str, Value)]| target(vars, &defaults).unwrap().escalation.unwrap().prompts.join("|");
    assert_eq!(prompts(&[]), "Kennwort");
    assert_eq!(prompts(&[("ansible_su_prompt_l10n", "a, b".into())]), "a|b");
    assert_eq!(prompts(&[("ansible_su_prompt_l10n", Value::list(vec!["c".into()]))]), "c");
    let limit = |vars: &[(&str, Value)]| {
        let limit = target(vars, &defaults).unwrap().become_limit;
        (limit.time.as_secs(), limit.local)
    };
    let local = ("ansible_connection", Value::from("local"));
    assert_eq!(limit(&[("ansible_timeout", Value::Int(3))]), (5, false));
    assert_eq!(limit(&[local.clone(), ("ansible_timeout", Value::Int(3))]), (10, true));
    assert_eq!(limit(&[local, ("ansible_local_become_success_timeout", Value::Int(4))]), (4, true));
}
