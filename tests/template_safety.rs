//! What templates must never do: render foreign text, leak secrets, panic, run away. And where their errors point.

use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tightbeam::diag::{SourceMap, Span};
use tightbeam::files::{Files, Mem};
use tightbeam::template::{
    Binding, Context, Decrypt, Engine, ErrorKind, FileOptions, NoOutside, Outside, PipeOutput, Scopes, Templar,
    TemplateSettings, UrlRequest, Variables,
};
use tightbeam::value::{Map, Text, Trust, Value, Vaulted};

const HOSTILE: &str = "{{ lookup('pipe', 'touch /tmp/pwned') }}";

/// Counts the commands that templates try to run; files and commands answer with hostile text.
#[derive(Default)]
struct Trap {
    inner: NoOutside,
    runs: AtomicUsize,
}

impl Outside for Trap {
    fn files(&self) -> &dyn Files {
        self.inner.files()
    }
    fn env(&self, _: &str) -> Option<String> {
        Some(HOSTILE.to_owned())
    }
    fn cwd(&self) -> std::path::PathBuf {
        "/".into()
    }
    fn pipe(&self, command: &str, _: &Path) -> Result<PipeOutput, String> {
        if command != "harmless" {
            self.runs.fetch_add(1, Ordering::Relaxed);
        }
        Ok(PipeOutput { code: 0, stdout: HOSTILE.into() })
    }
    fn url(&self, _: &UrlRequest) -> Result<Vec<u8>, String> {
        Ok(HOSTILE.into())
    }
    fn now(&self) -> std::time::SystemTime {
        self.inner.now()
    }
    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
    fn write_private(&self, _: &Path, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    fn setting(&self, _: &str) -> Option<Value> {
        Some(Value::trusted(HOSTILE))
    }
    fn hosts(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(vec![HOSTILE.to_owned()])
    }
    fn warn(&self, _: &str) {}
}

fn map(pairs: &[(&str, Value)]) -> Map {
    pairs.iter().map(|(k, v)| ((*k).into(), v.clone())).collect()
}

fn hostile_variables() -> Map {
    let foreign = || Value::foreign(HOSTILE);
    map(&[
        ("fact", foreign()),
        ("facts", Value::map(map(&[("a", foreign()), ("list", Value::list(vec![foreign()]))]))),
        ("result", Value::map(map(&[("stdout", foreign()), ("stdout_lines", Value::list(vec![foreign()]))]))),
        ("slurped", Value::foreign("e3sgbG9va3VwKCdwaXBlJywgJ3RvdWNoIC90bXAvcHduZWQnKSB9fQ==")),
        ("json", Value::foreign(format!("{{\"k\": \"{HOSTILE}\"}}"))),
        ("yaml", Value::foreign(format!("k: \"{HOSTILE}\""))),
        ("through", Value::trusted("{{ fact }}")),
        ("deep", Value::map(map(&[("x", Value::trusted("{{ facts }}")), ("y", Value::trusted("a {{ fact }} b"))]))),
        ("name_of_file", Value::foreign("/{{ lookup('pipe', 'x') }}")),
        ("n", Value::Int(5)),
    ])
}

fn trap_engine() -> (Arc<Trap>, Arc<Engine>) {
    let files = Mem::default()
        .with("/f/file", HOSTILE)
        .with("/f/t.j2", "{{ fact }}")
        .with("/f/a.ini", &format!("[global]\nk={HOSTILE}\n"));
    let trap = Arc::new(Trap { inner: NoOutside { files, ..NoOutside::default() }, ..Trap::default() });
    let engine = Engine::new(trap.clone(), None, TemplateSettings::default(), SourceMap::default());
    (trap, engine)
}

#[test]
fn foreign_text_is_never_rendered_whatever_path_it_takes() {
    let (trap, engine) = trap_engine();
    let context = Context { playbook_dir: "/f".into(), ..Context::default() };
    let templar = Templar::new(&engine, Arc::new(hostile_variables()), context.clone());
    let templates = [
        "{{ fact }}",
        "{{ facts.a }}",
        "{{ facts['list'][0] }}",
        "{{ facts }}",
        "{{ result.stdout }}",
        "{{ result.stdout_lines | first }}",
        "{{ result.stdout_lines | join(' ') }}",
        "{{ slurped | b64decode }}",
        "{{ (json | from_json).k }}",
        "{{ (yaml | from_yaml).k }}",
        "{{ yaml | from_yaml_all | list }}",
        "{{ through }}",
        "{{ through ~ '' }}",
        "{{ deep }}",
        "{{ deep.x.a }}",
        "{{ deep.y }}",
        "{% set x = fact %}{{ x }}",
        "{% for x in facts.list %}{{ x }}{% endfor %}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(fact) }}",
        "{{ lookup('env', 'X') }}",
        "{{ lookup('file', '/f/file') }}",
        "{{ lookup('pipe', 'harmless') }}",
        "{{ lookup('lines', 'harmless') }}",
        "{{ lookup('url', 'http://x') }}",
        "{{ lookup('config', 'X') }}",
        "{{ lookup('inventory_hostnames', 'all') }}",
        "{{ lookup('ini', 'k', file='a.ini') }}",
        "{{ lookup('template', '/f/t.j2') }}",
        "{{ lookup('vars', 'fact') }}",
        "{{ query('items', facts.list) }}",
        "{{ query('dict', facts) }}",
        "{{ query('first_found', [name_of_file], skip=true) }}",
        "{{ lookup('file', name_of_file, errors='ignore') }}",
        "{{ fact | default('x') | upper | lower | trim | string }}",
        "{{ [fact] | map('string') | list }}",
        "{{ facts | combine({'b': fact}) }}",
        "{{ facts | dict2items }}",
        "{{ fact | regex_replace('z', 'y') }}",
        "{{ '%s' % fact }}{{ '{}'.format(fact) }}",
        "{{ fact if n else '' }}",
        "{{ facts | to_json | from_json }}",
        "{{ facts | to_nice_yaml | from_yaml }}",
    ];
    for template in templates {
        let first = templar.render(&Value::trusted(template)).unwrap_or_else(|e| panic!("{template}: {e}"));
        // As set_fact and register do: stored, and used again, in text, alone, as a loop's item, as a condition.
        let again = templar.with(map(&[("stored", first.clone()), ("item", first.clone())]));
        for use_again in ["{{ stored }}", "{{ item }}", "x {{ stored }}", "{{ [stored] }}", "{{ stored | list }}"] {
            let _ = again.render(&Value::trusted(use_again));
        }
        let _ = again.render(&first);
        let _ = again.condition(&first);
        let _ = again.condition(&Value::trusted("{{ stored }}"));
        let _ = again.lookup("items", &first, &Map::new());
        let _ = again.lookup("file", &first, &Map::new());
        let _ = again.file("{{ stored }}", &FileOptions::default());
        assert_eq!(trap.runs.load(Ordering::Relaxed), 0, "{template} made foreign text run");
    }
    // The trap works: the author's own text does run.
    templar.render(&Value::trusted(HOSTILE)).expect("a lookup");
    assert_eq!(trap.runs.load(Ordering::Relaxed), 1);
}

#[test]
fn a_foreign_condition_is_refused() {
    let (_, engine) = trap_engine();
    let templar = Templar::new(&engine, Arc::new(hostile_variables()), Context::default());
    for condition in [Value::foreign("n == 5"), Value::trusted("{{ fact }}")] {
        let error = templar.condition(&condition).expect_err("refused");
        assert_eq!(error.message, "Encountered untrusted template or expression.");
    }
    assert!(templar.condition(&Value::trusted("n == 5")).expect("the author's"));
}

struct Opens;

impl Decrypt for Opens {
    fn decrypt(&self, ciphertext: &str) -> Result<Vec<u8>, String> {
        if ciphertext.contains("good") { Ok(b"hunter2".to_vec()) } else { Err("no secret fits".to_owned()) }
    }
    fn encrypt(&self, plaintext: &[u8], _: &str, _: Option<&str>, _: Option<&str>) -> Result<String, String> {
        Ok(format!("$ANSIBLE_VAULT;{}", plaintext.len()))
    }
    fn decrypt_with(&self, ciphertext: &str, _: &str) -> Result<Vec<u8>, String> {
        self.decrypt(ciphertext)
    }
}

#[test]
fn vault_strings_are_secrets_and_stay_so() {
    let vault = |text: &str| Value::Vault(Arc::new(Vaulted { ciphertext: text.into(), origin: None }));
    let variables = map(&[
        ("password", vault("good")),
        ("bad", vault("other")),
        ("url", Value::trusted("db://{{ password }}@host")),
        ("all", Value::map(map(&[("p", vault("good"))]))),
    ]);
    let engine = Engine::new(
        Arc::new(NoOutside::default()),
        Some(Arc::new(Opens)),
        TemplateSettings::default(),
        SourceMap::default(),
    );
    let templar = Templar::new(&engine, Arc::new(variables), Context::default());
    for (template, plain) in [
        ("{{ password }}", "hunter2"),
        ("{{ url }}", "db://hunter2@host"),
        ("x{{ all.p }}", "xhunter2"),
        ("{{ password | upper }}", "HUNTER2"),
        ("{{ password ~ '!' }}", "hunter2!"),
        ("{{ [password, 'b'] | join('-') }}", "hunter2-b"),
        ("{{ 'p=%s' % password }}", "p=hunter2"),
        ("{{ password[:3] }}", "hun"),
        ("x {{ all }}", "x {'p': 'hunter2'}"),
    ] {
        let value = templar.render(&Value::trusted(template)).expect(template);
        assert_eq!(value.as_str(), Some(plain), "{template}");
        assert!(!format!("{value:?}").contains("unter"), "{template} shows the secret: {value:?}");
    }
    let error = templar.render(&Value::trusted("{{ bad }}")).expect_err("cannot be opened");
    assert_eq!(error.kind, ErrorKind::Vault);
    assert!(templar.condition(&Value::trusted("bad is defined")).is_err());
}

struct Hosts(Arc<dyn Variables>);

impl Scopes for Hosts {
    fn get(&self, name: &str) -> Option<Arc<dyn Variables>> {
        (name == "web1").then(|| self.0.clone())
    }
    fn names(&self) -> Vec<Arc<str>> {
        vec!["web1".into()]
    }
}

struct Own(Map, Arc<dyn Scopes>);

impl Variables for Own {
    fn get(&self, name: &str) -> Option<Binding> {
        match name {
            "hostvars" => Some(Binding::Scopes(self.1.clone())),
            "vars" => Some(Binding::Scope(Arc::new(self.0.clone()))),
            _ => self.0.get(name).cloned().map(Binding::Value),
        }
    }
    fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().filter_map(|k| k.as_str()).map(Arc::from).collect()
    }
}

#[test]
fn another_hosts_variables_render_in_its_own_scope() {
    let theirs = map(&[("ip", Value::trusted("{{ net }}.9")), ("net", Value::trusted("10.0.0"))]);
    let ours = map(&[
        ("net", Value::trusted("192.168.1")),
        ("ip", Value::trusted("{{ net }}.1")),
        ("v", Value::trusted("ip")),
    ]);
    let (_, engine) = trap_engine();
    let templar = Templar::new(&engine, Arc::new(Own(ours, Arc::new(Hosts(Arc::new(theirs))))), Context::default());
    for (expression, wanted) in [
        ("hostvars['web1'].ip", "'10.0.0.9'"),
        ("hostvars.web1['ip'] ~ '/' ~ ip", "'10.0.0.9/192.168.1.1'"),
        ("vars[v]", "'192.168.1.1'"),
        ("hostvars | list", "['web1']"),
        ("'web1' in hostvars and 'web2' not in hostvars", "True"),
        ("hostvars['web2'] is defined", "False"),
        ("hostvars['web1'] | dict2items | map(attribute='value') | list", "['10.0.0.9', '10.0.0']"),
        ("hostvars.values() | map(attribute='ip') | list", "['10.0.0.9']"),
    ] {
        assert_eq!(templar.expression(expression).expect(expression).repr(), wanted, "{expression}");
    }
}

#[test]
fn errors_point_into_the_authors_file() {
    let sources = SourceMap::default();
    let yaml = "a: \"{{ foo }} and {{ missing.x }}\"\nb: |\n  one\n  {{ gone }}\n  three\n";
    let file = sources.add("vars.yml", yaml);
    let text = |template: &str, start: usize, end: usize| {
        Value::Str(Text::new(template, Trust::Author, Some(Span::new(file, start, end))))
    };
    let engine = Engine::new(Arc::new(NoOutside::default()), None, TemplateSettings::default(), sources.clone());
    let templar = Templar::new(&engine, Arc::new(map(&[("foo", Value::Int(1))])), Context::default());
    let block = yaml.find('|').expect("a block");
    for (value, line, column, name) in [
        (text("{{ foo }} and {{ missing.x }}", 3, 34), 1, 22, "missing"),
        (text("one\n{{ gone }}\nthree\n", block, yaml.len()), 4, 6, "gone"),
    ] {
        let error = templar.render(&value).expect_err("undefined");
        assert_eq!(error.name.as_deref(), Some(name));
        let place = sources.location(error.span.expect("a place")).expect("in the file");
        assert_eq!((place.line, place.column), (line, column), "{error}");
        assert_eq!(error.diagnostic().code.0, "E0301");
    }
}

/// Runs on the stack that threads of the engine have.
fn on_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread").join().expect("no overflow");
}

#[test]
fn nothing_runs_away() {
    on_small_stack(|| {
        let mut variables = Map::new();
        for i in 0..300 {
            variables.insert(format!("v{i}"), Value::trusted(format!("{{{{ v{} }}}}", i + 1)));
        }
        variables.insert("v300", Value::Int(1));
        for i in 0..40 {
            variables.insert(format!("w{i}"), Value::trusted(format!("{{{{ w{} + 1 }}}}", i + 1)));
        }
        variables.insert("w40", Value::Int(0));
        let (_, engine) = trap_engine();
        let templar = Templar::new(&engine, Arc::new(variables), Context::default());
        let fails = |template: String| {
            assert!(templar.render(&Value::trusted(template.as_str())).is_err(), "{:.60}", template);
        };
        assert_eq!(templar.expression("w0").expect("forty templates deep").repr(), "40");
        fails("{{ v0 }}".to_owned());
        fails(format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000)));
        fails(format!("{{{{ {}1 }}}}", "not ".repeat(5000)));
        fails(format!("{{{{ {}1 }}}}", "-".repeat(5000)));
        fails(format!("{{{{ {}1{} }}}}", "[".repeat(5000), "]".repeat(5000)));
        fails("{% if true %}".repeat(3000) + &"{% endif %}".repeat(3000));
        fails("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned());
        fails("{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}".to_owned());
        fails("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}".to_owned());
        fails("{{ 9 ** (9 ** 9) }}".to_owned());
        fails("{{ 'a' * 99999999999 }}".to_owned());
        fails("{{ range(99999999999) | list }}".to_owned());
        fails("{{ '%999999999d' % 1 }}".to_owned());
        fails("{{ '{:999999999}'.format(1) }}".to_owned());
        fails("{{ query('nested', range(9999), range(9999)) }}".to_owned());
        fails("{{ ('a' * 40) is match('(a+)+b') and false or x }}".to_owned());
        let long = format!("{{{{ {}0 }}}}", "1 + ".repeat(3000));
        let _ = templar.render(&Value::trusted(long));
        let long = format!("{{{{ 'x'{} }}}}", " | upper".repeat(3000));
        let _ = templar.render(&Value::trusted(long));
        let long = format!("{{{{ x{} }}}}", ".a".repeat(3000));
        let _ = templar.render(&Value::trusted(long));
        let long = format!("{{{{ {}true }}}}", "true and ".repeat(3000));
        let _ = templar.render(&Value::trusted(long));
        let long = format!("{{{{ {}1 }}}}", "1 if true else ".repeat(3000));
        let _ = templar.render(&Value::trusted(long));
        let elifs = format!("{{% if false %}}{}{{% endif %}}", "{% elif false %}x".repeat(3000));
        let _ = templar.render(&Value::trusted(elifs));
        let _ = templar.render(&Value::trusted("{% set a = [] %}{% set _ = a.append(a) %}{{ a }}"));
        let _ = templar.render(&Value::trusted("{% set a = {} %}{% set _ = a.update({'a': a}) %}{{ a | to_json }}"));
    });
}

#[test]
fn a_change_in_place_is_seen_by_its_template_alone() {
    let (_, engine) = trap_engine();
    let variables = map(&[("list", Value::list(vec![Value::Int(1)])), ("computed", Value::trusted("{{ [1] }}"))]);
    let templar = Templar::new(&engine, Arc::new(variables), Context::default());
    for name in ["list", "computed"] {
        let template = format!("{{% set _ = {name}.append(2) %}}{{{{ {name} }}}}");
        assert_eq!(templar.render(&Value::trusted(template)).expect("renders").repr(), "[1, 2]");
        assert_eq!(templar.expression(name).expect("renders").repr(), "[1]");
    }
}

fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{{-",
        "-%}",
        " if ",
        " else ",
        " for ",
        " in ",
        " endfor ",
        " set ",
        "=",
        " is ",
        " not ",
        "|",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        ".",
        "'",
        "\"",
        "a",
        "x.y",
        "1",
        "2.5",
        "0x",
        "**",
        "//",
        "~",
        "%s",
        "\\",
        "\n",
        " ",
        "☃",
        "lookup('items', ",
        "default",
        "map('",
        "raw",
        "endraw",
        "macro m()",
        "endmacro",
        "regex_replace('(', '\\\\9')",
        "#jinja2:",
        "true",
        "none",
        "range(3)",
        "n",
        "list",
        ".append(",
        "format(",
    ]);
    prop::collection::vec(words, 0..24).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_template_panics(text in pieces()) {
        let (_, engine) = trap_engine();
        let variables = map(&[("n", Value::Int(3)), ("list", Value::list(vec![1i64.into(), "b".into()])), ("a", "A".into())]);
        let templar = Templar::new(&engine, Arc::new(variables), Context::default());
        let _ = templar.render(&Value::trusted(text.as_str()));
        let _ = templar.condition(&Value::trusted(text.as_str()));
        let _ = templar.expression(&text);
        let _ = templar.file(&text, &FileOptions { lstrip_blocks: true, ..FileOptions::default() });
    }

    #[test]
    fn yaml_and_json_come_back(value in data()) {
        let (_, engine) = trap_engine();
        let templar = Templar::new(&engine, Arc::new(map(&[("v", value)])), Context::default());
        prop_assert!(templar.condition(&Value::trusted("(v | to_yaml | from_yaml) == v")).expect("a boolean"));
        prop_assert!(templar.condition(&Value::trusted("(v | to_nice_yaml | from_yaml) == v")).expect("a boolean"));
        prop_assert!(templar.condition(&Value::trusted("(v | to_json | from_json) == v")).expect("a boolean"));
        prop_assert!(templar.condition(&Value::trusted("(v | to_nice_json | from_json) == v")).expect("a boolean"));
    }
}

fn data() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e9..1e9f64).prop_map(Value::Float),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            prop::collection::btree_map("[a-z ]{1,6}", inner, 0..4)
                .prop_map(|m| Value::map(m.into_iter().map(|(k, v)| (k.into(), v)).collect())),
        ]
    })
}
