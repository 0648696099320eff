#!/usr/bin/env python3
"""Records which of two layers of variables wins in ansible-core, for all pairs of adjacent layers → recorded.json.

Usage: record.py BIN, where BIN is a directory with ansible-playbook 2.19. Each pair is a project of its own in which a
variable has the value of the layer's name in both layers.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ROOT = pathlib.Path("/tmp/tightbeam-precedence-cases")
V = "{v: %s}\n"

# Layer → what it adds to a project: files by name (appended), or parts of the playbook.
LAYERS = {
    "PublicRoleDefaults": {"files": {"roles/other/defaults/main.yml": V}, "roles": ["other"]},
    "RoleDefaults": {"files": {"roles/mine/defaults/main.yml": V}},
    "AllInventory": {"files": {"inv/hosts": "[all:vars]\nv=%s\n"}},
    "GroupsInventory": {"files": {"inv/hosts": "[g:vars]\nv=%s\n"}},
    "AllBesideInventory": {"files": {"inv/group_vars/all.yml": V}},
    "AllBesidePlaybook": {"files": {"group_vars/all.yml": V}},
    "GroupsBesideInventory": {"files": {"inv/group_vars/g.yml": V}},
    "GroupsBesidePlaybook": {"files": {"group_vars/g.yml": V}},
    "HostInventory": {"host": "v=%s"},
    "HostBesideInventory": {"files": {"inv/host_vars/h.yml": V}},
    "HostBesidePlaybook": {"files": {"host_vars/h.yml": V}},
    "Facts": {"files": {"library/learn.py": "#!/bin/sh\n# WANT_JSON\necho '{\"ansible_facts\": {\"v\": \"%s\"}}'\n"}, "pre": ["{learn: }"]},
    "PlayVars": {"play": "vars: {v: %s}"},
    "VarsPrompt": {"play": "vars_prompt: [{name: v, default: %s, prompt: p}]"},
    "VarsFiles": {"files": {"vf.yml": V}, "play": "vars_files: [vf.yml]"},
    "PublicRoleVars": {"files": {"roles/other/vars/main.yml": V}, "roles": ["other"]},
    "RoleVars": {"files": {"roles/mine/vars/main.yml": V}},
    "TaskVars": {"task": "vars: {v: %s}"},
    "IncludeVars": {"files": {"iv.yml": V}, "pre": ["{include_vars: iv.yml}"]},
    "SetFacts": {"pre": ["{set_fact: {v: %s}}"]},
    "RoleParams": {"params": "v: %s"},
    "IncludeParams": {"include": "vars: {v: %s}"},
    "ExtraVars": {"args": ["-e", "v=%s"]},
}


def project(directory, layers):
    files = {"inv/hosts": "", "roles/mine/tasks/main.yml": "", "roles/other/tasks/main.yml": "- meta: noop\n"}
    host, play, pre, task, params, include, args, roles = "h", [], [], "", "", "", [], []
    for name in layers:
        parts = LAYERS[name]
        fill = lambda text: text.replace("%s", name)
        for path, text in parts.get("files", {}).items():
            files[path] = files.get(path, "") + fill(text)
        host += " " + fill(parts.get("host", ""))
        play += [fill(parts["play"])] if "play" in parts else []
        pre += [fill(p) for p in parts.get("pre", [])]
        task += fill(parts.get("task", ""))
        params += fill(parts.get("params", ""))
        include += fill(parts.get("include", ""))
        args += [fill(a) for a in parts.get("args", [])]
        roles += [r for r in parts.get("roles", []) if r not in roles]
    files["inv/hosts"] = f"[g]\n{host} ansible_connection=local\n" + files["inv/hosts"]
    shows = "- debug: {msg: 'WINS={{ v }}'}\n" + (f"  {task}\n" if task else "")
    if include:
        files["roles/mine/tasks/shows.yml"] = shows
        files["roles/mine/tasks/main.yml"] = f"- include_tasks: shows.yml\n  {include}\n"
    else:
        files["roles/mine/tasks/main.yml"] = shows
    lines = ["- hosts: g", "  gather_facts: false"] + ["  " + p for p in play]
    lines += ["  pre_tasks:"] + ["    - " + p for p in pre] if pre else []
    mine = "{role: mine" + (", " + params if params else "") + "}"
    lines += ["  roles:"] + ["    - " + r for r in roles] + ["    - " + mine]
    files["play.yml"] = "\n".join(lines) + "\n"
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    return args


def main():
    program = os.path.join(sys.argv[1], "ansible-playbook")
    env = dict(HOME="/nonexistent", PATH=os.environ["PATH"], LANG="C.UTF-8", ANSIBLE_ROLES_PATH="roles")
    names = list(LAYERS)
    # Neighbours, and what lies two and five apart, so that a slip cannot hide behind its neighbour.
    pairs = [(names[i], names[i + d]) for d in (1, 2, 5) for i in range(len(names) - d)]
    recorded = []
    for low, high in pairs:
        shutil.rmtree(ROOT, ignore_errors=True)
        ROOT.mkdir()
        args = project(ROOT, [low, high])
        command = [program, "-i", "inv/hosts", "play.yml", *args]
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        wins = [w.split('"')[0] for w in done.stdout.split("WINS=")[1:]]
        if len(wins) != 1:
            sys.exit(f"{low} {high}: {done.stdout}{done.stderr}")
        recorded.append({"layers": [low, high], "wins": wins[0]})
    (HERE / "recorded.json").write_text("[\n" + ",\n".join(map(json.dumps, recorded)) + "\n]\n")
    shutil.rmtree(ROOT)


main()
