#!/usr/bin/env python3
"""Asks real ansible-core for the answers to the cases in cases/*.txt and writes them to answers.json.

    python tests/template/record.py          # record, with the Python that has ansible-core 2.19
    python tests/template/record.py --check  # compare only

The cases of collections.txt need ansible.utils and community.general; COLLECTIONS names the directory that holds
`ansible_collections`. Without it the recorded answers of that file stay.

A case file has one case per line; `#` at the start of a line is a comment. A line is an expression, rendered as `{{ … }}`,
unless it starts with one of
    T:    a template (Python escapes such as \\n are decoded)
    F:    the text of a template file (same)
    C:    a conditional
    W:    with_NAME: a lookup's name, a space, and its terms in JSON
Variables are those of variables.json. Texts in there are the author's, hence templates; {"__foreign": "text"} is not.
"""

import glob
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = os.path.join(HERE, "files")

COLLECTIONS = os.environ.get("COLLECTIONS")
os.environ.clear()
os.environ.update(PATH="/usr/bin:/bin", HOME="/home/somebody", TZ="UTC", ORACLE="from the environment",
                  ANSIBLE_LOCALHOST_WARNING="false", LANG="C.UTF-8", PYTHONHASHSEED="0")
if COLLECTIONS:
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = COLLECTIONS
os.chdir(FILES)

from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.template import Templar, trust_as_template  # noqa: E402
from ansible._internal._templating._engine import TemplateOptions, TemplateMode  # noqa: E402
from ansible._internal._templating._jinja_plugins import _invoke_lookup  # noqa: E402
from ansible._internal._templating._utils import TemplateContext  # noqa: E402
from ansible.utils.display import Display  # noqa: E402
from ansible.plugins.loader import init_plugin_loader  # noqa: E402

init_plugin_loader()

Display.warning = Display.deprecated = Display.error_as_warning = lambda *a, **k: None


def trusted(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trusted(v) for v in value]
    if isinstance(value, dict):
        if list(value) == ["__foreign"]:
            return value["__foreign"]
        return {k: trusted(v) for k, v in value.items()}
    return value


def plain(value):
    """The value without Ansible's tags."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str, bytes):
        if isinstance(value, kind):
            return kind(value) if kind is not str else str.__str__(value)
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def unescape(text):
    return text.encode("latin-1", "backslashreplace").decode("unicode-escape")


def answer(line, variables):
    loader = DataLoader()
    loader.set_basedir(FILES)
    templar = Templar(loader=loader, variables=trusted(variables) | {"ansible_search_path": [FILES]})
    kind, text = ("E", line) if line[1:2] != ":" or not line[0].isupper() else (line[0], line[2:].strip(" "))
    try:
        if kind == "E":
            value = templar.template(trust_as_template("{{ " + text + " }}"))
        elif kind == "T":
            value = templar.template(trust_as_template(unescape(text)))
        elif kind == "F":
            env = templar.copy_with_new_env(searchpath=[os.path.join(FILES, "templates"), FILES],
                                            available_variables=templar.available_variables)
            value = env._engine.template(trust_as_template(unescape(text)),
                                         options=TemplateOptions(escape_backslashes=False),
                                         mode=TemplateMode.ALWAYS_FINALIZE)
            value = "" if value is None else str(value)
        elif kind == "C":
            value = templar.evaluate_conditional(trust_as_template(text))
        elif kind == "W":
            name, terms = text.split(" ", 1)
            terms = templar.template(trusted(json.loads(terms)))
            terms = terms if isinstance(terms, list) else [terms]
            with TemplateContext(template_value="", templar=templar._engine, options=TemplateOptions.DEFAULT):
                value = _invoke_lookup(plugin_name=name, lookup_terms=terms, lookup_kwargs=dict(wantlist=True))
                value = templar._engine.template(value)
        else:
            raise SystemExit(f"unknown kind of case: {line}")
        return {"case": line, "gives": repr(plain(value)).replace(FILES, "FILES")}
    except Exception as ex:
        name = type(ex).__name__
        kinds = {"AnsibleUndefinedVariable": "undefined", "AnsibleTemplateSyntaxError": "syntax",
                 "AnsibleBrokenConditionalError": "not boolean", "AnsibleValueOmittedError": "omitted"}
        error = kinds.get(name, "failed")
        message = str(ex).replace(FILES, "FILES")
        if "Recursive loop" in message:
            error = "recursive"
        if error == "omitted" and kind != "C":
            return {"case": line, "gives": "<<Omit>>"}
        return {"case": line, "error": error, "message": message}


def main():
    variables = json.load(open(os.path.join(HERE, "variables.json")))
    target = os.path.join(HERE, "answers.json")
    out = []
    for path in sorted(glob.glob(os.path.join(HERE, "cases", "*.txt"))):
        group = os.path.splitext(os.path.basename(path))[0]
        if group == "collections" and not COLLECTIONS:
            out += [case for case in json.load(open(target)) if case["group"] == group]
            continue
        for line in open(path):
            line = line.rstrip("\n")
            if line and not line.startswith("#"):
                out.append({"group": group} | answer(line, variables))
    text = "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in out) + "\n]\n"
    if "--check" in sys.argv:
        sys.exit(0 if open(target).read() == text else "the answers differ from answers.json")
    open(target, "w").write(text)
    print(len(out), "cases")


main()
