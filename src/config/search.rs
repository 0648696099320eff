//! Which `ansible.cfg` is read. Only looks; reading is the caller's.

use super::Surroundings;
use crate::diag::{Code, Diagnostic};
use crate::files::Files;
use std::path::PathBuf;

/// The file, and a warning where one was passed over.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub path: Option<PathBuf>,
    pub warning: Option<Diagnostic>,
}

/// The first that exists of `$ANSIBLE_CONFIG` (a file, or a directory that holds `ansible.cfg`), `./ansible.cfg` (not where
/// anybody may write), `~/.ansible.cfg` and `/etc/ansible/ansible.cfg`.
pub fn find_file(files: &dyn Files, around: &Surroundings) -> Found {
    let from_env = around.env.get("ANSIBLE_CONFIG").map(|text| {
        let path = around.resolve(text, None);
        if files.is_dir(&path) { path.join("ansible.cfg") } else { path }
    });
    let here = around.cwd.join("ansible.cfg");
    let passed_over = around.cwd_world_writable && files.exists(&here);
    let candidates = [
        from_env.clone(),
        (!around.cwd_world_writable).then_some(here),
        around.home.as_ref().map(|home| home.join(".ansible.cfg")),
        Some("/etc/ansible/ansible.cfg".into()),
    ];
    let path = candidates.into_iter().flatten().find(|path| files.exists(path));
    let warning = (passed_over && (from_env.is_none() || from_env != path)).then(|| {
        let message = format!(
            "Ansible is being run in a world writable directory ({}), ignoring it as an ansible.cfg source. For more information \
             see https://docs.ansible.com/ansible/devel/reference_appendices/config.html#cfg-in-world-writable-dir",
            around.cwd.display()
        );
        Diagnostic::warning(Code::WARNING, message)
    });
    Found { path, warning }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Mem;

    #[test]
    fn first_file_that_exists_wins() {
        let files = Mem::default().with("/w/ansible.cfg", "").with("/e/ansible.cfg", "").with("/h/.ansible.cfg", "");
        for (env, writable, want, warns) in [
            (None, false, "/w/ansible.cfg", false),
            (None, true, "/h/.ansible.cfg", true),
            (Some("/e"), true, "/e/ansible.cfg", false),
            (Some("/missing"), false, "/w/ansible.cfg", false),
        ] {
            let around = Surroundings {
                cwd: "/w".into(),
                home: Some("/h".into()),
                env: env.map(|e: &str| ("ANSIBLE_CONFIG".to_owned(), e.to_owned())).into_iter().collect(),
                cwd_world_writable: writable,
            };
            let found = find_file(&files, &around);
            assert_eq!(found.path, Some(PathBuf::from(want)), "{env:?} {writable}");
            assert_eq!(found.warning.is_some(), warns);
        }
    }
}
