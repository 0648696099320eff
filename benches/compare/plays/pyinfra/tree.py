"""W5, the tree, as pyinfra's operations. It copies no modes: every tenth file is a program."""

from pathlib import Path

from pyinfra import host
from pyinfra.operations import files

TREE = Path(host.data.content) / "tree"
PROGRAMS = sorted(p.relative_to(TREE) for p in TREE.glob("*/*") if p.stat().st_mode & 0o100)

files.sync(src=str(TREE), dest="/srv/tree", mode="644", dir_mode="755")
for program in PROGRAMS:
    files.file(path=f"/srv/tree/{program}", mode="755")
