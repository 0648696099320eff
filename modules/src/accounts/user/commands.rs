//! The command lines that create, change and remove an account.

use super::{Args, UpdatePassword};
use crate::accounts::shared::{Shadow, all_groups, date, group, shadow};
use crate::contract::Failure;
use crate::host::steps::required;
use crate::host::{Command, Observe, PasswdEntry};
use std::path::Path;

fn tool(args: &Args, host: &dyn Observe, name: &str) -> Result<Command, Failure> {
    let name = if args.is_local() { format!("l{name}") } else { name.to_owned() };
    Ok(Command::new(required(host, &name)?))
}

pub fn remove(args: &Args, host: &dyn Observe) -> Result<Command, Failure> {
    let mut command = tool(args, host, "userdel")?;
    if args.force && !args.is_local() {
        command = command.arg("-f");
    }
    if args.remove {
        command = command.arg("-r");
    }
    Ok(command.arg(&args.name))
}

fn known_group(host: &dyn Observe, name: &str) -> Result<crate::host::GroupEntry, Failure> {
    group(host, name).ok_or_else(|| Failure::new(format!("Group {name} does not exist")))
}

const DAY: f64 = 86_400.0;

fn day_of(seconds: f64) -> i64 {
    (seconds / DAY).floor() as i64
}

/// `useradd`, and with `local` what it leaves to other programs.
pub fn create(args: &Args, host: &dyn Observe) -> Result<Vec<Command>, Failure> {
    let local = args.is_local();
    let mut words: Vec<String> = Vec::new();
    let mut add = |list: &[&str]| words.extend(list.iter().map(|w| (*w).to_owned()));
    if let Some(uid) = args.uid {
        add(&["-u", &uid.to_string()]);
        if args.non_unique {
            add(&["-o"]);
        }
    }
    if let Some(seuser) = &args.seuser {
        add(&["-Z", seuser]);
    }
    match &args.group {
        Some(name) => {
            known_group(host, name)?;
            add(&["-g", name]);
        }
        // useradd must not try to create a group that is there.
        None if group(host, &args.name).is_some() => add(&[if local { "-n" } else { "-N" }]),
        None => {}
    }
    let groups = args.group_names().unwrap_or_default();
    for name in &groups {
        known_group(host, name)?;
    }
    if !groups.is_empty() && !local {
        add(&["-G", &groups.join(",")]);
    }
    if let Some(comment) = &args.comment {
        add(&["-c", comment]);
    }
    if let Some(home) = &args.home {
        add(&["-d", home]);
    }
    if let Some(shell) = &args.shell {
        add(&["-s", shell]);
    }
    if let (Some(expires), false) = (args.expires, local) {
        let day = if expires < 0.0 { String::new() } else { date(day_of(expires)) };
        add(&["-e", &day]);
    }
    if let Some(days) = args.password_expire_account_disable {
        add(&["-f", &days.to_string()]);
    }
    if let Some(password) = &args.password {
        let lock = if args.password_lock == Some(true) { "!" } else { "" };
        add(&["-p", &format!("{lock}{password}")]);
    }
    if args.create_home {
        if !local {
            add(&["-m"]);
        }
        if let Some(skeleton) = &args.skeleton {
            add(&["-k", skeleton]);
        }
        if let Some(umask) = &args.umask {
            add(&["-K", &format!("UMASK={umask}")]);
        }
    } else {
        add(&["-M"]);
    }
    if args.system {
        add(&["-r"]);
    }
    for (value, name) in [(args.uid_min, "UID_MIN"), (args.uid_max, "UID_MAX")] {
        if let Some(value) = value {
            add(&["-K", &format!("{name}={value}")]);
        }
    }
    let mut commands = vec![tool(args, host, "useradd")?.args(words).arg(&args.name)];
    if local {
        if let Some(expires) = args.expires {
            commands.push(expire_locally(args, host, expires)?);
        }
        for name in groups {
            commands.push(Command::new(required(host, "lgroupmod")?).args(["-M", args.name.as_str(), name]));
        }
    }
    Ok(commands)
}

fn expire_locally(args: &Args, host: &dyn Observe, expires: f64) -> Result<Command, Failure> {
    let day = if expires < 0.0 { -1 } else { day_of(expires) };
    Ok(Command::new(required(host, "lchage")?).args(["-E".to_owned(), day.to_string(), args.name.clone()]))
}

/// `usermod` with what differs; empty where nothing does.
pub fn modify(args: &Args, entry: &PasswdEntry, host: &dyn Observe) -> Result<Vec<Command>, Failure> {
    let local = args.is_local();
    let now = shadow(host, &args.name).unwrap_or_default();
    let mut words: Vec<String> = Vec::new();
    let mut more: Vec<Command> = Vec::new();
    let mut add = |list: &[&str]| words.extend(list.iter().map(|w| (*w).to_owned()));
    if let Some(uid) = args.uid
        && uid != i64::from(entry.uid)
    {
        add(&["-u", &uid.to_string()]);
        if args.non_unique {
            add(&["-o"]);
        }
    }
    if let Some(name) = &args.group {
        let gid = known_group(host, name)?.gid;
        if gid != entry.gid {
            add(&["-g", &gid.to_string()]);
        }
    }
    if let Some(change) = group_change(args, host)? {
        if local {
            let lgroupmod = required(host, "lgroupmod")?;
            for (names, flag) in [(&change.add, "-M"), (&change.remove, "-m")] {
                more.extend(names.iter().map(|g| Command::new(&lgroupmod).args([flag, args.name.as_str(), g])));
            }
        } else {
            if args.append {
                add(&["-a"]);
            }
            add(&["-G", &change.wanted.join(",")]);
        }
    }
    for (wanted, is, flag) in
        [(&args.comment, &entry.gecos, "-c"), (&args.home, &entry.home, "-d"), (&args.shell, &entry.shell, "-s")]
    {
        if let Some(wanted) = wanted
            && wanted != is
        {
            add(&[flag, wanted]);
            if flag == "-d" && args.move_home {
                add(&["-m"]);
            }
        }
    }
    if let Some(expires) = args.expires {
        let current = now.expires.unwrap_or(if now == Shadow::default() { 0 } else { -1 });
        let differs = if expires < 0.0 { current >= 0 } else { current < 0 || current != day_of(expires) };
        match (differs, local) {
            (false, _) => {}
            (true, true) => more.push(expire_locally(args, host, expires)?),
            (true, false) if expires < 0.0 => add(&["-e", ""]),
            (true, false) => add(&["-e", &date(day_of(expires))]),
        }
    }
    if let Some(days) = args.password_expire_account_disable
        && now.inactive != Some(days)
    {
        add(&["-f", &days.to_string()]);
    }
    let locked = now.password.starts_with('!');
    let new_password = args.password.as_deref().filter(|p| {
        args.update_password == UpdatePassword::Always
            && now.password.trim_start_matches('!') != p.trim_start_matches('!')
    });
    match (new_password, args.password_lock) {
        (Some(password), Some(true)) => add(&["-p", &format!("!{password}")]),
        (Some(password), _) => add(&["-p", password]),
        (None, Some(true)) if !locked => add(&["-L"]),
        (None, Some(false)) if locked => add(&["-U"]),
        _ => {}
    }
    let mut commands = Vec::new();
    if !words.is_empty() {
        commands.push(tool(args, host, "usermod")?.args(words).arg(&args.name));
    }
    commands.append(&mut more);
    Ok(commands)
}

struct GroupChange {
    wanted: Vec<String>,
    add: Vec<String>,
    remove: Vec<String>,
}

/// How the further groups must change, if they must.
fn group_change(args: &Args, host: &dyn Observe) -> Result<Option<GroupChange>, Failure> {
    let Some(names) = args.group_names() else { return Ok(None) };
    let mut wanted: Vec<String> = Vec::new();
    for name in names {
        let name = known_group(host, name)?.name;
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    let current: Vec<String> =
        all_groups(host)?.into_iter().filter(|g| g.members.contains(&args.name)).map(|g| g.name).collect();
    let add: Vec<String> = wanted.iter().filter(|g| !current.contains(g)).cloned().collect();
    let remove: Vec<String> =
        if args.append { Vec::new() } else { current.iter().filter(|g| !wanted.contains(g)).cloned().collect() };
    Ok((!add.is_empty() || !remove.is_empty()).then_some(GroupChange { wanted, add, remove }))
}

/// `chage` with the ages of the password that differ.
pub fn ages(args: &Args, host: &dyn Observe) -> Result<Option<Command>, Failure> {
    let wanted =
        [(args.password_expire_min, "-m"), (args.password_expire_max, "-M"), (args.password_expire_warn, "-W")];
    if wanted.iter().all(|(v, _)| v.is_none()) || !host.exists(Path::new("/etc/shadow")) {
        return Ok(None);
    }
    let Some(now) = shadow(host, &args.name) else { return Ok(None) };
    let mut words = Vec::new();
    for ((value, flag), is) in wanted.into_iter().zip([now.min, now.max, now.warn]) {
        if let Some(value) = value
            && is.unwrap_or(-1) != value
        {
            words.extend([flag.to_owned(), value.to_string()]);
        }
    }
    if words.is_empty() {
        return Ok(None);
    }
    Ok(Some(Command::new(required(host, "chage")?).args(words).arg(&args.name)))
}
