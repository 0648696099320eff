#!/usr/bin/env python3
"""Records what ansible-core says about inventories: cases.json (files and commands) → recorded.json (with answers).

Usage: record.py BIN, where BIN is a directory with ansible and ansible-inventory 2.19.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = pathlib.Path("/tmp/tightbeam-inventory-cases")


def run(bin_dir, directory, env, command):
    full = dict(HOME="/nonexistent", PATH=os.environ["PATH"], LANG="C.UTF-8", ANSIBLE_LOCALHOST_WARNING="0", **env)
    program = os.path.join(bin_dir, command[0])
    done = subprocess.run([program, *command[1:]], cwd=directory, env=full, capture_output=True, text=True)
    python = re.compile(r'("ansible_python_interpreter": ")[^"]*')
    place = lambda text: python.sub(r"\1/usr/bin/python3", text.replace(str(directory), "/i"))
    warnings = re.findall(r"^\[(?:WARNING|DEPRECATION WARNING)\]: (.*)$", done.stderr, re.M)
    deprecated = re.compile(r" This feature will be removed.*| Deprecation warnings can be disabled.*")
    answer = {"command": command, "code": done.returncode, "stdout": place(done.stdout)}
    warnings = [place(deprecated.sub("", w)).strip() for w in warnings if not w.startswith("Deprecation warnings can")]
    tagged = re.compile(r"ansible\.module_utils\._internal\._datatag\._AnsibleTagged(\w+)")
    answer["warnings"] = [tagged.sub(lambda m: m[1].lower(), w) for w in warnings]
    if done.returncode != 0:
        errors = re.findall(r"^\[ERROR\]: (.*)$", done.stderr, re.M)
        answer["errors"] = [place(e) for e in errors]
    return answer


def main():
    bin_dir = sys.argv[1]
    shutil.rmtree(ROOT, ignore_errors=True)
    cases = json.loads((HERE / "cases.json").read_text())
    for case in cases:
        directory = ROOT / case["name"]
        for name, text in case["files"].items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if text.startswith("#!"):
                path.chmod(0o755)
        case["answers"] = [run(bin_dir, directory, case.get("env", {}), c) for c in case.pop("commands")]
    text = json.dumps(cases, indent=1, ensure_ascii=False)
    (HERE / "recorded.json").write_text(text + "\n")
    shutil.rmtree(ROOT)


main()
