#!/usr/bin/env python3
"""Records what ansible-core makes of an ansible.cfg and an environment: cases.json → recorded.json.

Usage: record.py BIN, where BIN is a directory with ansible-config 2.19.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = pathlib.Path("/tmp/tightbeam-config-cases")


def main():
    cases = json.loads((HERE / "cases.json").read_text())
    for case in cases:
        shutil.rmtree(ROOT, ignore_errors=True)
        (ROOT / "home").mkdir(parents=True)
        (ROOT / "w" / "sub").mkdir(parents=True)
        (ROOT / "w" / "ansible.cfg").write_text(case["cfg"])
        env = dict(HOME=str(ROOT / "home"), PATH=os.environ["PATH"], LANG="C.UTF-8", **case["env"])
        env["ANSIBLE_CONFIG"] = str(ROOT / "w" / "ansible.cfg")
        command = [os.path.join(sys.argv[1], "ansible-config"), "dump", "-t", "base", "--format", "json"]
        done = subprocess.run(command, cwd=ROOT / "w" / "sub", env=env, capture_output=True, text=True)
        if done.returncode != 0:
            case["fails"] = True
            continue
        text = done.stdout.replace(str(ROOT), "/r")
        case["settings"] = {s["name"]: [s["value"], s["origin"]] for s in json.loads(text) if "name" in s}
    (HERE / "recorded.json").write_text(json.dumps(cases, indent=1) + "\n")
    shutil.rmtree(ROOT)


main()
