"""W5, the large file, as pyinfra's operations."""

from pathlib import Path

from pyinfra import host
from pyinfra.operations import files

files.put(src=str(Path(host.data.content) / "big"), dest="/srv/big", mode="644")
