"""The reference's side of `cargo bench --bench language`: the same work by ansible-core and PyYAML.

Run by the benchmark with ANSIBLE_PYTHON; prints one line of JSON: seconds, and what was made, to be compared.
"""

import json
import sys
import time


def templates(directory):
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar, trust_as_template

    work = json.load(open(f"{directory}/templates.json"))
    variables = {k: trust_as_template(v) if isinstance(v, str) else v for k, v in work["variables"].items()}
    conditions = [trust_as_template(t) for t in work["conditions"]]
    arguments = [trust_as_template(t) for t in work["arguments"]]
    loader = DataLoader()
    begin = time.perf_counter()
    for _ in range(work["tasks"]):
        templar = Templar(loader=loader, variables=variables)
        last = [templar.evaluate_conditional(c) for c in conditions] + [templar.template(a) for a in arguments]
    return time.perf_counter() - begin, [str(v) for v in last]


def inventory(directory):
    import yaml

    text = open(f"{directory}/inventory.yml").read()
    begin = time.perf_counter()
    data = yaml.load(text, Loader=yaml.CSafeLoader)
    seconds = time.perf_counter() - begin
    return seconds, [str(sum(len(g["hosts"]) for g in data["all"]["children"].values()))]


seconds, made = {"templates": templates, "inventory": inventory}[sys.argv[1]](sys.argv[2])
print(json.dumps({"seconds": seconds, "made": made}))
