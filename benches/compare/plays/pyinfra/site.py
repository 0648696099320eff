"""W1, W2, W7 as pyinfra's operations: what the role `site` says, in its order."""

from io import StringIO
from pathlib import Path

from pyinfra import host
from pyinfra.facts.server import Command
from pyinfra.operations import files, server

ROLE = Path(__file__).parents[1] / "roles/site"
ROOT, ETC = "/srv/site", "/etc/site"
PAGE = ROLE / "files/index.html"
DATA = {
    "site_root": ROOT, "site_etc": ETC, "site_port": 8080, "inventory_hostname": host.name,
    "site_workers": int(host.get_fact(Command, command="nproc")) * 2,
    "site_settings": {"log_level": "info", "log_format": "json", "session_minutes": 30, "upload_limit": "16M"},
    "site_upstreams": [
        {"name": "app", "port": 8081, "weight": 3}, {"name": "api", "port": 8082, "weight": 2},
        {"name": "static", "port": 8083, "weight": 1},
    ],
}
SITE = {"user": "deployer", "group": "site"}
MARKS = {"marker": "# {mark} ANSIBLE MANAGED BLOCK", "begin": "BEGIN", "end": "END"}


def text(content, dest, **how):
    return files.put(src=StringIO(content), dest=dest, **how)


def template(name, dest, **how):
    kwargs = {"trim_blocks": True}
    return files.template(src=str(ROLE / "templates" / name), dest=dest, jinja_env_kwargs=kwargs, **how, **DATA)


# Groups and users.
server.group(group="site", gid=4100)
server.group(group="siteops", gid=4101)
server.user(
    user="deployer", uid=4200, group="site", groups=["siteops"], shell="/bin/bash", home="/home/deployer", create_home=True,
    ensure_home=False,
)
server.user(user="siteapp", uid=4201, group="site", shell="/usr/sbin/nologin", home=ROOT, ensure_home=False)
server.user(
    user="sitebackup", uid=4202, group="siteops", shell="/bin/sh", home="/home/sitebackup", create_home=True, ensure_home=False
)

# Directories.
files.directory(path=ETC, mode="755")
files.directory(path=f"{ETC}/conf.d", mode="755")
files.directory(path=f"{ETC}/secrets", mode="750", group="site")
files.directory(path=ROOT, mode="755", **SITE)
files.directory(path=f"{ROOT}/releases", mode="755", **SITE)
files.directory(path=f"{ROOT}/releases/1", mode="755", **SITE)
files.directory(path=f"{ROOT}/log", mode="775", user="siteapp", group="site")
files.directory(path="/opt/site/bin", mode="755")

# Files.
files.put(src=str(PAGE), dest=f"{ROOT}/releases/1/index.html", mode="644", **SITE)
files.put(src=str(ROLE / "files/style.css"), dest=f"{ROOT}/releases/1/style.css", mode="644", **SITE)
text("User-agent: *\nDisallow: /private\n", f"{ROOT}/releases/1/robots.txt", mode="644", **SITE)
files.put(src=str(ROLE / "files/deploy.sh"), dest="/opt/site/bin/deploy", mode="755")
text(f"#!/bin/sh\nexec test -e {ROOT}/releases/1/index.html\n", "/opt/site/bin/check", mode="755")
text(f"token-of-{host.name}\n", f"{ETC}/secrets/token", group="site", mode="640")

# Templates.
settings = template("site.conf.j2", f"{ETC}/site.conf", mode="644")
proxy = template("proxy.conf.j2", f"{ETC}/conf.d/proxy.conf", mode="644")
template("env.j2", f"{ETC}/env", mode="640", group="site")
template("logrotate.j2", f"{ETC}/logrotate", mode="644")
template("unit.j2", f"{ETC}/site.service", mode="644")
template("status.html.j2", f"{ROOT}/releases/1/status.html", mode="644", **SITE)

# Lines and blocks.
files.line(path=f"{ETC}/limits", line="connections=.*", replace="connections=512")
files.line(path=f"{ETC}/limits", line="requests=.*", replace="requests=10000")
files.line(path=f"{ETC}/limits", line="body=.*", replace="body=16M")
files.line(path=f"{ETC}/limits", line="timeout=.*", replace="timeout=30")
files.line(path=f"{ETC}/limits", line="old_.*", present=False)
files.line(path="/etc/hosts", line="127.0.0.1 site.internal")
files.line(path="/etc/hosts", line=".*site\\.old", present=False)
files.file(path=f"{ETC}/aliases", mode="644")
files.block(path=f"{ETC}/aliases", content="www.site.internal\napi.site.internal", **MARKS)
files.block(path="/etc/profile", content=f"export SITE_HOME={ROOT}", **MARKS)

# Links and what must not be there.
files.link(path=f"{ROOT}/current", target=f"{ROOT}/releases/1")
files.link(path="/opt/site/etc", target=ETC)
files.file(path=f"{ROOT}/maintenance.html", present=False)
files.file(path=f"{ETC}/conf.d/default.conf", present=False)

# What is looked at, and what follows from it.
server.shell(commands=["getent passwd deployer | grep -q /home/deployer"])
server.shell(commands=["/opt/site/bin/check"])
server.shell(commands=[f"test -e {ROOT}/releases/.db || touch {ROOT}/releases/.db"])
server.shell(commands=[f"ls {ROOT}/releases | wc -l"])
server.shell(commands=[f"test -e {ROOT}/current/index.html"])
server.shell(commands=[f"test $(stat -c %a {ETC}/site.conf) = 644"])
text(f"1 releases, {PAGE.stat().st_size} bytes\n", f"{ROOT}/report", mode="644", **SITE)
files.file(path=f"{ROOT}/ready", mode="644")
files.put(
    src=StringIO("configured\n"), dest=f"{ROOT}/changed", mode="644", _if=lambda: settings.did_change() or proxy.did_change()
)
