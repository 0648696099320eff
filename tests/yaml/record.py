"""Asks ansible-core what it reads from and writes to YAML, and keeps the answers in load.json and dump.json.

Run with a Python that has ansible-core 2.19: python tests/yaml/record.py
"""

import datetime
import json
import pathlib
import sys
import tempfile

import yaml
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate
from ansible._internal._yaml import _constructor
from ansible._internal._yaml._loader import AnsibleInstrumentedLoader
from ansible.module_utils._internal._datatag import AnsibleTagHelper
from ansible.parsing.utils.yaml import from_yaml
from ansible.parsing.vault import EncryptedString
from ansible.plugins.filter.core import to_nice_yaml, to_yaml

HERE = pathlib.Path(__file__).parent

SCALARS = """
y n Y N yes Yes YES yEs no No NO true True TRUE false False FALSE on On ON off Off OFF tRUE
~ null Null NULL nULL none None nil
0 -0 +0 00 007 010 0644 0755 08 09 018 0o17 1 -1 +1 12 1_000 1__0 _1 1_ 0_ 0__7 -0644 +0755 - +
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 123456789012345678901234567890
0b0 0b101 -0b11 0b_1 0b12 0B1 0x0 0xff 0xFF -0x1A 0x_f 0xfg 0X1 0777_7
1:30 1:60 01:30 12:30:45 190:20:30 -1:30 1:5 1:05 1:2:3:4 1_0:30 0:30 10:00 23:59:59
0.0 1.0 -1.5 +1.5 1. .5 -.5 +.5 . .. ... ._5 .5_ 1_0.5 1.e+3 1.5e3 1.5e+3 1.5E-3 1e3 1e+3 1.0e10 1.0e+400 1.2.3 1.5e+
00.5 0.1_2 .5e-2 1:30.5 1:30. 1:2:3.25 -1:30.5 1:60.5
.inf -.inf +.inf .Inf .INF .iNF .nan .NaN .NAN -.nan inf nan
2024-01-02 2024-1-2 2024-12-31 0001-01-01 2024-02-29 20240102 2024-01 2024-01-02T03:04:05 2024-01-02t03:04:05Z
2024-1-2T3:04:05 2024-01-02T03:04:05.1 2024-01-02T03:04:05.1234567 2024-01-02T03:04:05+02:00 2024-01-02T03:04:05-5
2024-01-02T03:04:05+05:30 2024-01-02T03:04:05. 2024-01-02T03:04 2024-01-02T03:04:05+1:2 2024-01-02T03:04:05-00:30
<<x = =x == *x & !x |x >x %x @x `x ,x ]x }x ?x -x :x a#b a:b a::b http://x:80/y {{x}} a'b a"b 'a' "a" '' "" 'it''s' "a\\tb"
"\\x41\\u00e9\\U0001F600" "\\e\\0\\a\\N\\_\\L\\P" "\\/" 'yes' "1" é 日本 😀 \u00a0x
""".split()

SPACED = [
    "2024-01-02 03:04:05", "2024-01-02  03:04:05", "2024-01-02 3:04:05 Z", "2024-01-02 03:04:05 +02:00",
    "2024-01-02 03:04:05.678 -05:00", "a b", "a  b", "a #b", "a# b", "- 1", "a, b", "[a, b]", "{a: b}", "{a, b}", "[]", "{}",
    "[a, [b, {c: d}]]", "{a: [1, 2], b: {c: ~}}", "[a,]", "{a: 1,}", "[? a : b]", "[a: b, c]", "{a: , b: }", "{? a}", "'a\n  b'",
    '"a\n\n  b"', '"a\\\n   b"', "a\n  b", "a\n\n  b", "|\n  a\n  b", "|-\n  a\n", "|+\n  a\n\n", ">\n  a\n  b\n\n  c\n",
    ">-\n  a\n   b\n  c", "|2\n   a\n", ">2-\n    a\n   b\n", "|\n\n  a", "|\n  a\n   \n  b\n", "! 12", "! '12'", "!!str 12", "!!str",
    "!!int '12'", "!!int 0o17", "!!int ' 7 '", "!!float 1", "!!float 1e3", "!!bool yes", "!!bool 'On'", "!!null x", "!!binary aGVsbG8=",
    "!!binary |\n  aGVs\n  bG8=", "!!timestamp 2024-1-2", "!!timestamp '2024-01-02 03:04:05'", "!!set {a, b}", "!!set {a: , 1: }",
    "!!omap [a: 1, b: 2]", "!!pairs [a: 1, a: 2]", "!!seq [a]", "!!map {a: b}", "!!python/unicode x", "!!python/dict {a: b}",
    "!<tag:yaml.org,2002:int> '12'", "!unsafe x", "!unsafe '{{ x }}'", "!unsafe '12'", "!unsafe yes", "!unsafe [a, {b: c}]",
    "!unsafe {a: 'b'}", "!vault abc", "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n", "!vault-encrypted x", "!unsafe ~",
    "[!unsafe a, b]", "!unsafe [!vault x]",
]

DOCUMENTS = [
    "", "\n", "# only\n", "---\n", "--- \n...\n", "---\n# c\n", "--- a\n", "a: 1\n...\n", "%YAML 1.1\n---\na: 1\n", "\ufeffa: 1\n",
    "a: 1\r\nb:\r\n  - x\r\n  - y\r\n", "a: 1\rb: 2\r", "a:\n- 1\n- 2\n", "a:\n  - 1\n  -\n  - 2\n", "- - 1\n  - 2\n-\n  - 3\n",
    "- a: 1\n  b: 2\n-\n  c: 3\n", "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n", "? a\n: b\n? c\n", "? |\n  a\n: b\n", "1: a\ntrue: b\n~: c\n1.5: d\n",
    "2024-01-02: a\n", "1: a\n1.0: b\n", "1: a\ntrue: b\n0: c\nno: d\n", "a: 1\na: 2\n", "a: 1\nb: 2\na: 3\nb: 4\na: 5\n",
    "x: {a: 1, a: 2}\n", "a: &x 1\nb: *x\n", "a: &x [1, 2]\nb: *x\n", "a: &x {k: v}\nb:\n  <<: *x\n", "a: &x {k: v}\nb:\n  k: w\n  <<: *x\n",
    "a: &x {k: v}\nb: &y {l: w, k: u}\nc:\n  <<: [*x, *y]\n  z: 1\n", "a: &x {k: v}\nb: &y {<<: *x, l: 1}\nc: {<<: *y, m: 2}\n",
    "a: {<<: {k: 1}, k: 2}\n", "a: {<<: [{k: 1}, {k: 2, l: 3}]}\n", "a: {'<<': {k: 1}}\n", "a: {!!merge x: {k: 1}}\n", "a: {=: 1}\n",
    "a: {<<: {}}\n", "a: &x {k: 1}\nb: {<<: *x, <<: {k: 2, l: 3}}\n", "&a a: *a\n", "- &a !unsafe '{{ x }}'\n- *a\n",
    "- &a '{{ x }}'\n- !unsafe [*a]\n", "a: b\n  c\n", "a: 'b\n  c'\n", "a:    # comment\n  b\n", "a: b # c\n", "a: 'b' # c\n",
    "key with space: 1\n", "'q': 1\n\"r\": 2\n", "a:\n  |\n  x\n", "- |\n x\n- >\n y\n", "é: ü\nk: [日, 本]\nl: 😀\n", "a: \"é\\\n  ü\"\n",
    "- hosts: all\n  tasks:\n    - name: x\n      shell: echo {{ a }} | grep 'b'\n", "a: {{ b }\n", '{"a": 1, "b": [true, null, 1e3]}',
    '{"a": 1, "a": 2}', '[1, 2.5, "x"]', '{"a":1}', '{"a":\t1}', '"\\ud83d\\ude00"', "1e3", "-Infinity", '{"__ansible_vault": "x"}',
    '{"__ansible_unsafe": "{{ x }}"}', '{"a": {"<<": {"b": 1}}}', "[1, 2]\n", "{a: 1}\n", "a: 1\n\n\nb: 2\n", "a: - b\n", "a: -b\n",
    "a: !!str\nb: !!null\n", "a: &x\nb: *x\n", "- &x a\n- &y b\n- [*x, *y]\n", "a:\n\n    b:\n\n        c\n", "---\n- a\n---\n",
    "\ta: 1\n", "a: x\ty\n", "a:\tb\n", "a:\t- b\n", "- \ta\n", "a: |\n\tb\n", "a: |1\n  b\n",
]

FAULTS = [
    "a: b: c\n", "a: 'b\n", "a: \"b\n", "a: \"b\" c\n", "a: 'b' 'c'\n", "a: \"x\" and \"y\"\n", "a: [1, 2\n", "a: {b: 1\n", "a: ]\n", "a: }\n",
    "a: {{ b }}\n", "- {{ b }}\n", "- a: {{ b }} c\n", "a: {{ b }}: c\n", "\tb: 1\n a: 2\n", "a: 1\n\tb: 2\n", "a:\n\t- b\n", "a: 1\n  b: 2\n",
    "a:\n  - b\n c: d\n", "- a\nb: 1\n", "a: 1\n- b\n", "a\nb: 1\n", "a: *x\n", "*x\n", "a: &x 1\nb: &x 2\n", "a: %x\n", "a: @x\n", "a: `x\n",
    "a: |x\n", "a: !foo b\n", "!foo\na: 1\n", "a: !!python/tuple [1]\n", "a: !!foo 1\n", "a: <<\n", "- =\n", "a: !!int x\n", "a: 2024-13-01\n",
    "a: 2024-02-30\n", "a: 2024-01-02 25:00:00\n", "a: 0b_\n", "a: 0000-01-01\n", "? [a]\n: b\n", "? {a: 1}\n: b\n", "{[a]: b}\n",
    "<<: 1\n", "<<: [1]\n", "a: {<<: x}\n", "!!str [a]\n", "!!str {a: b}\n", "!!map x\n", "!!seq {a: b}\n", "!!set [a]\n", "!!omap {a: b}\n",
    "!!omap [a]\n", "!!omap [{a: 1, b: 2}]\n", "!!pairs [[a]]\n", "--- a\n--- b\n", "a: 1\n---\nb: 2\n", "a: 1\n...\nb: 2\n", "%FOO\n", "%YAML 2.0\n---\n",
    "%YAML 1.1\n%YAML 1.1\n---\n", "!vault 12\n", "!vault [a]\n", "a: !vault ~\n", "a: \"\\q\"\n", "a: \"\\x4\"\n", "a: '\n---\nb'\n", "key\n", "a: b\x07\n",
    "a: \"\\ud800\"\n", "- name: x\n  shell: echo foo: bar\n", "- name: \"x\" y\n  debug:\n", "- name: x\n   debug:\n", "- debug: msg=\"a\n", "foo: 'it's'\n",
    "a: - b\n- c\n", "a: 'b'c\n", "a: [b: {c]\n", "a: ,\n", "[a, b\n", "a: 1 b: 2\n", "a : b : c\n", "é: 'ü\n", "a: é: ü\n", "&a\n*a\n", "a: &\n", "a: *\n",
    "!<\n", "a: !<x b\n", "- a\n  - b: c\n d\n", "a: >x\n  b\n", "a: |10\n  b\n", "{a: b}}\n", "{a b: c: d}\n", "? a\n? b\nc\n", "-\n-a: b\nc\n",
]


def encode(value):
    """A Python value as JSON that keeps types apart."""
    if isinstance(value, EncryptedString):
        return {"vault": value._ciphertext}
    trusted = TrustedAsTemplate.is_tagged_on(value)
    value = AnsibleTagHelper.as_native_type(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if trusted else {"unsafe": value}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (datetime.date, datetime.datetime)):
        return {"time": str(value)}
    if isinstance(value, (set, frozenset)):
        return {"set": sorted((encode(v) for v in value), key=json.dumps)}
    if isinstance(value, dict):
        return {"map": [[encode(k), encode(v)] for k, v in value.items()]}
    return [encode(v) for v in value]


def marks(text):
    """Line and column, from 1, of each node in order; None where nodes are shared."""
    seen = set()
    out = []

    def walk(node):
        if id(node) in seen:
            raise ValueError
        seen.add(id(node))
        out.append([node.start_mark.line + 1, node.start_mark.column + 1])
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.tag.endswith(":merge"):
                    raise ValueError
                walk(key)
                walk(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                walk(item)

    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        if root is None or any(t in text for t in ("!!set", "!!omap", "!!pairs", "<<", "\r", "\ufeff")):
            return None
        walk(root)
        return out
    except (ValueError, yaml.YAMLError):
        return None


def load(text):
    case = {"text": text}
    warnings = []
    _constructor.display.warning = lambda msg, obj=None, **_: warnings.append(
        [msg, Origin.get_tag(obj).line_num, Origin.get_tag(obj).col_num] if Origin.get_tag(obj) else [msg])
    _constructor.display.deprecated = lambda *_, **__: None
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "t.yml"
        path.write_text(text, newline="")
        tagged = Origin(path=str(path)).tag(TrustedAsTemplate().tag(text))
        try:
            value = from_yaml(tagged, file_name=str(path))
            case["value"] = encode(value)
            if warnings:
                case["warnings"] = list(warnings)
            is_json = True
            try:
                json.loads(text)
            except ValueError:
                is_json = False
            if not is_json and not warnings and (found := marks(text)):
                case["marks"] = found
        except Exception as fault:
            case["fault"] = str(fault)
            if fault.obj.col_num:
                case["at"] = [fault.obj.line_num, fault.obj.col_num]
    try:
        yaml.load(text, Loader=AnsibleInstrumentedLoader)
    except yaml.YAMLError as fault:
        case["python"] = str(fault)
    except Exception:
        pass
    return case


TEXTS = [
    "", " ", "  ", "a", "a b", " a", "a ", "a\n", "\na", "a\nb", "a\nb\n", "a\n\nb", "a \nb", "a\n b", "a\n\n\nb\n\n", "\n", "\n\n", "\t", "a\tb",
    "yes", "no", "on", "off", "true", "True", "null", "~", "None", "1", "1.5", "1e3", "0644", "0x1f", "1:30", "2024-01-02", "2024-01-02 03:04:05", ".inf", ".nan",
    "<<", "=", "-", "--", "---", "...", "--- a", "... a", "- a", "-a", "? a", "?a", "?", ":", ": a", ":a", "a:", "a: b", "a:b", "a #b", "a#b", "#a",
    "a, b", "a,b", "[a", "a[b]", "{a", "a{b}", "{{ a }}", "x {{ a }}", "&a", "*a", "!a", "|a", ">a", "'a", "a'b", '"a', 'a"b', "%a", "@a", "`a", "a%b",
    "it's \"q\"", "a\\b", "\\", "é", "日本語", "😀", "a 😀 b", "\u00a0", "\u0085", "\u2028", "\u2029x", "\ufeff", "\x00", "\x07", "\x1b", "\x7f", "\x80", "\r", "a\rb", "a\r\nb\r\n",
    "http://example.com:80/?a=b", "user@example.com", "#!/bin/sh\necho a\n", "  indented\n", "trailing  \n", "a\n  b\n c\n", "key: value\nother: 2\n",
    "word " * 30, ("word " * 30).strip(), "x" * 100, "x" * 100 + " " + "y" * 100, "a  b " * 30, "'" * 3, '"' * 3, ("it's " * 30).strip(), ("a\tb " * 30).strip(),
    ("é " * 60).strip(), "line one is fairly long and goes on and on until it is far past eighty columns wide\nline two\n", "a" * 79 + " b", "a" * 80 + " b",
    "a" * 78 + "  b c", ("a " * 45) + "\n" + ("b " * 45), "😀 " * 40, "\\ " * 50, ("word  " * 30), "C:\\path\tx", "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
]

VALUES = [
    None, True, False, 0, -1, 2 ** 70, 0.0, -0.0, 1.5, 1e16, 1e17, 1e-5, 1.5e300, 0.1, float("inf"), float("-inf"), float("nan"), 100000.0, 123456789.123,
    datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5), datetime.datetime(2024, 1, 2, 3, 4, 5, 600),
    datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), b"", b"hello", bytes(range(100)),
    [], {}, [[]], [{}], {"a": []}, {"a": {}}, [1, 2, 3], ["a", "b"], [[1, 2], [3, 4]], [[[1]]], [[], [[], []]], [{"a": 1}, {"b": 2}],
    {"a": 1}, {"b": 1, "a": 2}, {"a": {"b": {"c": 1}}}, {"a": [1, 2], "b": {"c": [3, {"d": 4}]}}, {"a": [{"b": [1]}, [2]]},
    {1: "a", "b": 2}, {2: "a", 1: "b"}, {True: "a", 0: "b", 1.5: "c"}, {None: 1}, {"": 1}, {"a b": 1, "a: b": 2, "yes": 3, "1": 4, "é": 5, "😀": 6},
    {"k" * 128: 1}, {"k" * 129: 1}, {"k" * 129: [1], "a\nb": {"c": 1}}, {"a\nb": 1}, {"a": "x\ny\n"}, ["x\ny\n", ["x\n"]], {"a": "word " * 30},
    {"a": {"b": ["word " * 30, "x: " * 30]}}, [["word " * 20] * 2] * 1, list(range(60)), {f"key{i}": i for i in range(20)}, [list(range(40)), {"a": list(range(40))}],
    {"x": "multi\nline", "y": ["multi\nline"]}, {"a": None, "b": True, "c": 1.5, "d": "~"}, [None, [None]], {"users": [{"name": "x", "groups": ["a", "b"], "shell": "/bin/sh"}]},
    {"a": datetime.date(2024, 1, 2), "b": b"xyz"}, [b"abc" * 30], EncryptedString(ciphertext="$ANSIBLE_VAULT;1.1;AES256\n6162\n"),
    {"v": EncryptedString(ciphertext="$ANSIBLE_VAULT;1.1;AES256\n6162")}, {"v": EncryptedString(ciphertext="a\n\n"), "w": 1},
    {"a": "#c", "b": "@x", "c": "- x", "d": " x", "e": "x ", "f": "x: y", "g": "x #y"}, ["", [""], {"": ""}], {"e": "x" * 200 + " y"}, {"a": {"b": {"c": {"d": {"e": {}}}}}},
    {"list": ["a", {"b": "c"}, ["d", ["e"]], "f\ng"]},
]

OPTIONS = [
    {"indent": 2}, {"indent": 8}, {"indent": 1}, {"indent": 12}, {"width": 20}, {"width": 40}, {"width": 1000}, {"width": -1}, {"width": 3}, {"default_flow_style": False},
    {"default_flow_style": True}, {"sort_keys": False}, {"allow_unicode": False}, {"explicit_start": True}, {"explicit_end": True}, {"explicit_start": True, "explicit_end": True},
    {"canonical": True}, {"default_style": '"'}, {"default_style": "'"}, {"default_style": "|"}, {"default_style": ">"}, {"default_style": ""},
    {"default_style": "|", "default_flow_style": False}, {"default_style": ">", "default_flow_style": False, "width": 30},
]

RICH = {
    "b": {"list": [1, "two", [3.5, None], {"x": "é 😀", "y": []}], "text": "some words that are long enough to be folded somewhere, it is hoped: yes"},
    "a": "line one\nline two with more words\n\n  indented line\n\nlast\n",
    "c": {"empty": {}, "tail": "keeps\n\n", "head": "\n first", "no": "plain text\nwithout end"},
    "a key with spaces": True,
    3: "three",
}
RICH_TEXT_KEYS = {str(k): v for k, v in RICH.items()}


def dump(nice, value, options):
    from ansible._internal._yaml._dumper import AnsibleDumper
    kwargs = dict(options)
    if not nice:
        kwargs.setdefault("default_flow_style", None)
    else:
        kwargs.setdefault("default_flow_style", False)
        kwargs.setdefault("indent", 4)
    kwargs.setdefault("allow_unicode", True)
    expected = yaml.dump(value, Dumper=AnsibleDumper, **kwargs)
    if "allow_unicode" not in options and not isinstance(value, EncryptedString):
        assert expected == (to_nice_yaml if nice else to_yaml)(value, **options), value
    return {"nice": nice, "value": encode(TrustedAsTemplate().tag(value) if isinstance(value, str) else value), "options": options, "text": expected}


def main():
    loads = [f"- {s}\n" for s in SCALARS + SPACED] + [f"{s}\n" for s in SPACED] + DOCUMENTS + FAULTS
    loads = [load(text) for text in dict.fromkeys(loads)]
    dumps = []
    for text in TEXTS:
        dumps += [dump(False, text, {}), dump(True, {"key": text, "list": [text, {text: text}]}, {}), dump(False, [text], {})]
    for value in VALUES:
        dumps += [dump(nice, value, {}) for nice in (False, True)]
    for options in OPTIONS:
        dumps += [dump(nice, value, options) for nice in (False, True) for value in (RICH, RICH_TEXT_KEYS, "plain", "two words\n", 1, [1, [2]])]
    for name, cases in ("load", loads), ("dump", dumps):
        lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
        (HERE / f"{name}.json").write_text(f"[\n{lines}\n]\n")
        print(name, len(cases), file=sys.stderr)


if __name__ == "__main__":
    main()
