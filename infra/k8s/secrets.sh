#!/bin/sh
# Creates the secrets, which no file of this repo may hold, in namespace gittix of the current context:
#   jwt-secret     JWT_KEY, with which auth alone signs sessions; jwt-public, the others' half of it; receipt-keys of orders;
#                  client-address-key of auth and client;
#                  device-key of auth, which proves known devices; files-keys of tickets, which encrypt files and hash
#                  barcodes: infra/keys.sh, which also rotates the key of sessions. Existing ones stay.
#   stripe-secret  STRIPE_KEY, STRIPE_WEBHOOK_SECRET and, for the pages, STRIPE_PUBLISHABLE_KEY of the environment, in place
#                  of those before; left alone when unset.
#   mail-secret    MAIL_URL of the environment, the mail server of auth with its password, in place of the one before; left
#                  alone when unset.
#   files-store    FILES_URL of the environment, the object store of tickets (s3://bucket/prefix), with AWS_ACCESS_KEY_ID,
#                  AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT; left alone when unset.
#   nats-<user>    NATS_SEED and NATS_KEY, the private and the public key of each user of the broker: seven users.
#   nats-routes    NATS_ROUTES_PASSWORD, by which the servers of a cluster of the broker know each other.
# KUBECTL names the command ("minikube kubectl --"). The values are sent by stdin, so that process lists do not show them.
set -eu
cd "$(dirname "$0")"
KUBECTL=${KUBECTL:-kubectl}

# shellcheck disable=SC2086 # it may be several words
kube() { $KUBECTL "$@"; }
in_namespace() { kube --namespace gittix "$@"; }
has() { in_namespace get secret "$1" --ignore-not-found --output name | grep -q .; }

[ -n "$(kube get namespace gittix --ignore-not-found --output name)" ] || kube apply -f base/namespace.yaml

../keys.sh kubernetes make

python=${PYTHON:-$(pwd)/../../.venv/bin/python}
for user in administrator tickets orders expiration payments client auth; do
  has "nats-$user" ||
    "$python" -m common.seeds "$user" | sed 's/^NATS_[A-Z]*_/NATS_/' |
    in_namespace create secret generic "nats-$user" --from-env-file=/dev/stdin
done
# It stands in an address, and begins with a letter, since the server would read some digits as a number.
has nats-routes ||
  printf 'NATS_ROUTES_PASSWORD=r%s\n' "$(od -An -tx1 -N24 /dev/urandom | tr -d ' \n')" |
  in_namespace create secret generic nats-routes --from-env-file=/dev/stdin

if [ -n "${STRIPE_KEY:-}" ] && [ -n "${STRIPE_WEBHOOK_SECRET:-}" ]; then
  printf 'STRIPE_KEY=%s\nSTRIPE_WEBHOOK_SECRET=%s\nSTRIPE_PUBLISHABLE_KEY=%s\n' \
    "$STRIPE_KEY" "$STRIPE_WEBHOOK_SECRET" "${STRIPE_PUBLISHABLE_KEY:-}" |
    in_namespace create secret generic stripe-secret --from-env-file=/dev/stdin --dry-run=client --output yaml |
    in_namespace apply -f -
elif [ -n "${STRIPE_KEY:-}${STRIPE_WEBHOOK_SECRET:-}" ]; then
  echo "Set both STRIPE_KEY and STRIPE_WEBHOOK_SECRET, or neither" >&2
  exit 1
elif ! has stripe-secret; then
  echo "No stripe-secret: STRIPE_KEY and STRIPE_WEBHOOK_SECRET are not set. The fake gateway of dev needs none."
fi

if [ -n "${MAIL_URL:-}" ]; then
  printf 'MAIL_URL=%s\n' "$MAIL_URL" |
    in_namespace create secret generic mail-secret --from-env-file=/dev/stdin --dry-run=client --output yaml |
    in_namespace apply -f -
elif ! has mail-secret; then
  echo "No mail-secret: MAIL_URL is not set. The mailbox of dev needs none."
fi

if [ -n "${FILES_URL:-}" ]; then
  {
    printf 'FILES_URL=%s\n' "$FILES_URL"
    for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION AWS_ENDPOINT; do
      eval "value=\${$name:-}"
      [ -z "$value" ] || printf '%s=%s\n' "$name" "$value"
    done
  } |
    in_namespace create secret generic files-store --from-env-file=/dev/stdin --dry-run=client --output yaml |
    in_namespace apply -f -
elif ! has files-store; then
  echo "No files-store: FILES_URL is not set. The folder of dev needs none."
fi
