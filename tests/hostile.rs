//! A host whose every answer is a template that would run a program on the controller. Whatever way its text goes, it is
//! text: the whole program plays on a real machine (this one, over `connection: local`), and no program runs.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Stdio};

/// Ways for a host's text to come in, each leaving it in `heard`.
const SOURCES: &[(&str, &str)] = &[
    ("stdout", "    - command: cat {{ here }}/file\n      register: r\n    - set_fact: {heard: '{{ r.stdout }}'}\n"),
    (
        "stdout_lines",
        "    - command: cat {{ here }}/file\n      register: r\n    - set_fact: {heard: '{{ r.stdout_lines[0] }}'}\n",
    ),
    (
        "local facts",
        "    - setup: {fact_path: '{{ here }}/facts.d', gather_subset: ['!all', '!min', local]}\n\
         \x20   - set_fact: {heard: '{{ ansible_local.bad.key }}'}\n",
    ),
    (
        "injected fact",
        "    - setup: {fact_path: '{{ here }}/facts.d', gather_subset: ['!all', '!min', local]}\n\
         \x20   - set_fact: {heard: '{{ ansible_facts.ansible_local.bad[\"key\"] | default(ansible_facts.local.bad.key) }}'}\n",
    ),
    (
        "file content",
        "    - slurp: {src: '{{ here }}/file'}\n      register: r\n    - set_fact: {heard: '{{ r.content | b64decode | trim }}'}\n",
    ),
    (
        "file name",
        "    - find: {paths: '{{ here }}/names'}\n      register: r\n    - set_fact: {heard: '{{ r.files[0].path | basename }}'}\n",
    ),
    ("whole result", "    - command: cat {{ here }}/file\n      register: heard\n"),
    (
        "results of a loop",
        "    - command: cat {{ here }}/{{ item }}\n      loop: [file]\n      register: r\n\
         \x20   - set_fact: {heard: '{{ r.results[0].stdout }}'}\n",
    ),
    (
        "set_fact, cacheable",
        "    - command: cat {{ here }}/file\n      register: r\n    - set_fact: {heard: '{{ r.stdout }}', cacheable: true}\n",
    ),
    (
        "include_vars of a file that was fetched",
        "    - fetch: {src: '{{ here }}/vars', dest: '{{ here }}/fetched.yml', flat: true}\n\
         \x20   - include_vars: '{{ here }}/fetched.yml'\n",
    ),
    (
        "include_vars of a file that was slurped",
        "    - slurp: {src: '{{ here }}/vars'}\n      register: r\n\
         \x20   - copy: {content: '{{ r.content | b64decode }}', dest: '{{ here }}/slurped.yml'}\n      delegate_to: localhost\n\
         \x20   - include_vars: '{{ here }}/slurped.yml'\n",
    ),
    (
        "from_yaml of a file that was slurped",
        "    - slurp: {src: '{{ here }}/vars'}\n      register: r\n\
         \x20   - set_fact: {heard: '{{ (r.content | b64decode | from_yaml).heard }}'}\n",
    ),
    (
        "the command line",
        "    - command: cat {{ here }}/file\n      register: r\n    - set_fact: {heard: '{{ from_command_line }}'}\n",
    ),
    (
        "a variable of a new host",
        "    - command: cat {{ here }}/file\n      register: r\n    - add_host: {name: other, word: '{{ r.stdout }}'}\n\
         \x20   - set_fact: {heard: '{{ hostvars.other.word }}'}\n",
    ),
    (
        "the standard error of a failure",
        "    - shell: cat {{ here }}/file >&2; false\n      ignore_errors: true\n      register: r\n    - set_fact: {heard: '{{ r.stderr }}'}\n",
    ),
];

/// What people then do with it.
const USES: &str = "    - debug: var=heard
    - debug: {msg: '{{ heard }} and more'}
    - set_fact: {twice: '{{ heard }}'}
    - set_fact: {thrice: '{{ twice }}', inside: {list: ['{{ twice }}'], '{{ twice | string | length }}': '{{ heard }}'}}
    - debug: {msg: '{{ item }}'}
      loop: ['{{ heard }}', '{{ twice }}', '{{ thrice }}', '{{ inside }}']
      loop_control: {label: '{{ item }}'}
    - debug: {msg: '{{ passed }} {{ vars.passed | default(passed) }} {{ hostvars[inventory_hostname].thrice }}'}
      vars: {passed: '{{ thrice }}'}
    - name: 'Name {{ thrice }}'
      command: echo {{ thrice | quote }}
      register: again
    - debug: var=again.stdout
    - copy: {content: '{{ thrice }}', dest: '{{ here }}/written'}
    - template: {src: page.j2, dest: '{{ here }}/page'}
    - debug: {msg: '{{ lookup(\"vars\", \"thrice\") }} {{ lookup(\"file\", here ~ \"/written\") }} {{ query(\"items\", [heard]) }}'}
    - debug: msg=later
      when: thrice is defined and thrice is not none
    - debug: msg=never
      when: '{{ thrice }}'
      ignore_errors: true
    - debug: {msg: '{{ thrice }}'}
      environment: {WORD: '{{ thrice }}'}
      failed_when: thrice == 'x'
    - group_by: {key: 'g_{{ thrice | string | length }}'}
    - assert: {that: [thrice | string is search('lookup')], success_msg: '{{ thrice }}', quiet: true}
    - include_tasks: '{{ here }}/more.yml'
      vars: {given: '{{ thrice }}'}
    - fail: {msg: '{{ thrice }}'}
";

fn play(project: &Path, tasks: &str) -> String {
    let site = format!("- hosts: h\n  connection: local\n  gather_facts: false\n  tasks:\n{tasks}");
    std::fs::write(project.join("site.yml"), site).unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_tightbeam"))
        .args(["play", "-i", "h,", "-v", "--diff", "site.yml", "-e"])
        .arg(format!("here={}", project.display()))
        .args(["-e", "from_command_line='{{ r.stdout }}'"])
        .current_dir(project)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", project)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// A directory with a hostile host's files; the template that all of them hold.
fn project() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    // The name of a file cannot hold a slash, so the program writes into the directory that the run is started in.
    let template = "{{ lookup('pipe', 'touch pwned') }}".to_owned();
    put("file", &format!("{template}\n"));
    put("vars", &format!("heard: \"{template}\"\n"));
    put(&format!("names/{template}"), "");
    put("facts.d/bad.fact", &format!("{{\"key\": \"{template}\"}}"));
    put("page.j2", "{{ thrice }} {% set x = thrice %}{{ x }} {{ [thrice] | join }}\n");
    put("more.yml", "- debug: {msg: '{{ given }}'}\n- debug: var=given\n");
    (dir, template)
}

#[test]
fn text_of_a_host_is_text_whatever_way_it_goes() {
    for (way, tasks) in SOURCES {
        let (dir, template) = project();
        let text = play(dir.path(), &format!("{tasks}{USES}"));
        assert!(!dir.path().join("pwned").exists(), "{way}: the template ran\n{text}");
        // It went all the way, as it is: the last task fails with it.
        assert!(text.contains("TASK [fail]") && text.contains(" and more"), "{way}\n{text}");
        assert!(text.matches(&template).count() > 5, "{way}: the text is not there\n{text}");
        let page = std::fs::read_to_string(dir.path().join("page")).unwrap();
        assert!(page.contains("lookup('pipe', 'touch pwned')") || page.contains(r"lookup(\'pipe\'"), "{way}: {page}");
    }
}

#[test]
fn the_same_text_of_the_authors_does_run() {
    let (dir, template) = project();
    let text = play(dir.path(), &format!("    - debug: {{msg: \"{template}\"}}\n"));
    assert!(dir.path().join("pwned").exists(), "{text}");
}
