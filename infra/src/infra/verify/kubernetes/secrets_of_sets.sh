#!/bin/sh
# The secrets of a cluster, and the certificates of its servers.
set -eu
infra=$(dirname "$0")/../../../..
"$infra/k8s/secrets.sh"
"$infra/certificates.sh" kubernetes make
