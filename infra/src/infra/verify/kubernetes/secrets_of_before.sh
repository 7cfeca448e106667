#!/bin/sh
# Creates the secrets of a cluster on which the release before runs: one key that all services share. Then those of today.
set -eu
cd "$(dirname "$0")/../../../../k8s"
KUBECTL=${KUBECTL:-kubectl}
$KUBECTL apply -f base/namespace.yaml
if ! $KUBECTL --namespace gittix get secret jwt-secret --ignore-not-found --output name | grep -q .; then
  printf 'JWT_KEY=%s\n' "$(openssl rand -base64 48 | tr -d '\n')" |
    $KUBECTL --namespace gittix create secret generic jwt-secret --from-env-file=/dev/stdin
fi
exec ./secrets.sh
