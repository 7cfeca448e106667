#!/bin/sh
# Makes the keys of sessions, receipts, client addresses, known devices and files, and the passwords of the databases; rotates the
# key that signs sessions. Needs OpenSSL 3.
#
#   infra/keys.sh STORE make            makes what is missing; what is there stays
#   infra/keys.sh STORE add             1. a new key: every service learns its public half
#   infra/keys.sh STORE sign            2. auth signs with it
#   infra/keys.sh STORE retire [--now]  3. the key before it is forgotten: its sessions end. Refused in the first 7 days
#                                       after `sign`, a session's life; with --now, for a key that leaked, not
#
# STORE is `kubernetes` (the secrets of namespace gittix in the current context; KUBECTL names the command), or a file: `.env` of
# compose, or `keys.env` in the data folder of `make run`. A step counts once the processes run with it. On Kubernetes the
# command restarts them and waits; otherwise it names what to run. docs/keys.md
#
# No value is in an argument of a command, nor in the output.
set -eu
umask 077

NAMES="JWT_KEY JWT_PUBLIC_KEYS JWT_NEXT_KEY JWT_SIGNING_SINCE RECEIPT_KEYS CLIENT_ADDRESS_KEY DEVICE_KEY
  FILES_KEY BARCODE_KEY MONGO_AUTH_KEY MONGO_AUTH_PASSWORD MONGO_TICKETS_KEY MONGO_TICKETS_PASSWORD MONGO_ORDERS_KEY MONGO_ORDERS_PASSWORD
  MONGO_PAYMENTS_KEY MONGO_PAYMENTS_PASSWORD REDIS_PASSWORD REDIS_PASSWORD_HASH"
SECRETS="jwt-public receipt-keys client-address-key device-key files-keys mongo-auth mongo-tickets mongo-orders mongo-payments
  redis-expiration jwt-secret"
SESSION_SECONDS=604800
# Before the 32 bytes of a private key in PKCS #8 (RFC 8410).
HEAD='\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'

fail() { echo "$*" >&2; exit 1; }
kube() { ${KUBECTL:-kubectl} --namespace gittix "$@"; }
encoded() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
random() { openssl rand "$1" | encoded; }
public_of() {
  seed=${1#ed25519:}
  # shellcheck disable=SC2059 # escapes
  { printf "$HEAD"; printf '%s=' "$seed" | tr '_-' '/+' | openssl base64 -d -A; } |
    openssl pkey -inform DER -pubout -outform DER | tail -c 32 | encoded
}

# --- The stores: each reads all of NAMES into variables, and writes them back.

secret_of() {
  case $1 in
    JWT_KEY | JWT_NEXT_KEY | JWT_SIGNING_SINCE) echo jwt-secret ;;
    JWT_PUBLIC_KEYS) echo jwt-public ;;
    RECEIPT_KEYS) echo receipt-keys ;;
    CLIENT_ADDRESS_KEY) echo client-address-key ;;
    DEVICE_KEY) echo device-key ;;
    FILES_KEY | BARCODE_KEY) echo files-keys ;;
    MONGO_AUTH_*) echo mongo-auth ;;
    MONGO_TICKETS_*) echo mongo-tickets ;;
    MONGO_ORDERS_*) echo mongo-orders ;;
    MONGO_PAYMENTS_*) echo mongo-payments ;;
    REDIS_*) echo redis-expiration ;;
  esac
}
stored() {
  if [ "$STORE" = kubernetes ]; then
    # Apart from its decoding: a cluster that can't be asked is no cluster without keys.
    data=$(kube get secret "$(secret_of "$1")" --ignore-not-found --output "jsonpath={.data.$1}") || exit 1
    printf '%s' "$data" | openssl base64 -d -A
  elif [ -e "$STORE" ]; then
    sed -n "s/^$1=//p" "$STORE" | tail -n 1
  fi
}
lines() {
  for name; do
    eval "value=\$$name"
    [ -z "$value" ] || printf '%s=%s\n' "$name" "$value"
  done
}
save() {
  if [ "$STORE" = kubernetes ]; then
    for secret in $SECRETS; do
      names=$(for name in $NAMES; do [ "$(secret_of "$name")" != "$secret" ] || echo "$name"; done)
      # shellcheck disable=SC2086 # several words
      content=$(lines $names)
      if [ -n "$content" ]; then
        printf '%s\n' "$content" |
          kube create secret generic "$secret" --from-env-file=/dev/stdin --dry-run=client --output yaml |
          kube apply -f - > /dev/null
      else
        kube delete secret "$secret" --ignore-not-found > /dev/null
      fi
    done
  else
    draft=$(mktemp "$STORE.XXXXXX")
    trap 'rm -f "$draft"' EXIT
    # 1: no other line.
    # shellcheck disable=SC2086 # several words
    [ ! -e "$STORE" ] || grep -Ev "^($(echo $NAMES | tr ' ' '|'))=" "$STORE" > "$draft" || [ $? = 1 ]
    # shellcheck disable=SC2086 # several words
    lines $NAMES >> "$draft"
    mv "$draft" "$STORE"
  fi
}
# Processes of these services start again; on Kubernetes one after another, without a pause in their service.
restart() {
  if [ "$STORE" = kubernetes ]; then
    for service; do kube rollout restart "deployment/$service-depl"; done
    for service; do kube rollout status "deployment/$service-depl" --timeout=10m; done
  else
    echo "Now start $* again: docker compose up --wait, or make run."
  fi
}

# --- The steps

new_key() {
  key="ed25519:$(random 32)"
  public=$(public_of "$key")
  [ "${#key}" = 51 ] && [ "${#public}" = 43 ] || fail "openssl made no Ed25519 key: OpenSSL 3 is needed"
}
# Hexadecimal: it stands in addresses, and a keyFile holds base64.
passwords() {
  for name in $NAMES; do
    case $name in
      MONGO_*) eval "[ -n \"\$$name\" ] || $name=\$(openssl rand -hex 32)" ;;
    esac
  done
  [ -n "$REDIS_PASSWORD" ] || REDIS_PASSWORD=$(openssl rand -hex 32)
  REDIS_PASSWORD_HASH=$(printf '%s' "$REDIS_PASSWORD" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
}
make_keys() {
  passwords
  for name in RECEIPT_KEYS CLIENT_ADDRESS_KEY DEVICE_KEY FILES_KEY BARCODE_KEY; do
    eval "[ -n \"\$$name\" ] || $name=\$(random 48)"
  done
  if [ -z "$JWT_KEY" ]; then
    new_key
    JWT_KEY=$key JWT_PUBLIC_KEYS=$public
  else
    echo "The key of sessions exists and is kept"
  fi
}
add() {
  [ -z "$JWT_NEXT_KEY" ] || fail "A new key was added before: go on with sign"
  new_key
  JWT_NEXT_KEY=$key JWT_PUBLIC_KEYS=${JWT_PUBLIC_KEYS:+$JWT_PUBLIC_KEYS,}$public
}
sign() {
  [ -n "$JWT_NEXT_KEY" ] || fail "No new key was added: begin with add"
  JWT_KEY=$JWT_NEXT_KEY JWT_NEXT_KEY='' JWT_SIGNING_SINCE=$(date +%s)
}
retire() {
  [ -z "$JWT_NEXT_KEY" ] || fail "The new key does not sign yet: go on with sign"
  left=$((${JWT_SIGNING_SINCE:-0} + SESSION_SECONDS - $(date +%s)))
  [ "$left" -le 0 ] || [ "${1:-}" = --now ] ||
    fail "Sessions of the key before last for $(((left + 3599) / 3600)) hours more. To end them: retire --now"
  JWT_SIGNING_SINCE='' JWT_PUBLIC_KEYS=$(public_of "$JWT_KEY")
}

[ $# -ge 2 ] || fail "Usage: infra/keys.sh STORE make | add | sign | retire [--now]"
STORE=$1
for name in $NAMES; do
  value=$(stored "$name")
  eval "$name=\$value"
done
# One command a line: in a list with &&, `set -e` would not end a failed step.
case $2 in
  make)
    make_keys
    save
    ;;
  add)
    add
    save
    restart auth tickets orders payments client
    ;;
  sign)
    sign
    save
    restart auth
    ;;
  retire)
    retire "${3:-}"
    save
    restart auth tickets orders payments client
    ;;
  *) fail "Unknown: $2" ;;
esac
