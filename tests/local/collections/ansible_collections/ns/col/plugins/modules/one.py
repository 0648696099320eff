#!/usr/bin/python3
# WANT_JSON
import json, sys
given = json.load(open(sys.argv[1]))
print(json.dumps({"given": {k: v for k, v in given.items() if not k.startswith("_")}}))
