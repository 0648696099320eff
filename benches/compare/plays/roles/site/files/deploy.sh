#!/bin/sh
# Points the site to a release.
set -eu
release=${1:?which release}
ln -sfn "/srv/site/releases/$release" /srv/site/current
