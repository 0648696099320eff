"""W3 as pyinfra's operations."""

from pyinfra.operations import files

for number in range(1000, 1100):
    files.directory(path=f"/srv/tenants/{number}", mode="750")
