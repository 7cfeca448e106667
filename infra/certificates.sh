#!/bin/sh
# Makes the private CA of the servers inside the cluster (broker, MongoDBs, Redis) and their certificates. Needs OpenSSL 3,
# neither internet nor an operator.
#
#   infra/certificates.sh STORE make        makes what is missing; what is there stays
#   infra/certificates.sh STORE renew       new keys and certificates for the servers, by the newest CA: once a year
#   infra/certificates.sh STORE replace-ca  1. a new CA: all trust it beside the one before. Then renew
#   infra/certificates.sh STORE retire-ca   3. the CA before it is forgotten
#
# STORE is `kubernetes` (namespace gittix of the current context; KUBECTL names the command), or a folder. On Kubernetes:
# ConfigMap internal-ca (ca.crt, for all), Secret internal-ca-key (ca.key, for no pod), Secret tls-SERVER for each server
# (tls.crt, tls.key, and tls.pem with both, as mongod reads them). A step counts once the processes run with it: after the
# first `make` the command restarts them and waits. docs/kubernetes.md
set -eu
umask 077

SERVERS="nats auth-mongo tickets-mongo orders-mongo payments-mongo expiration-redis"
PROCESSES="auth tickets orders payments expiration expiration-worker client"
# Three servers at most, and names as short or as long as the cluster's DNS has them.
MEMBERS="0 1 2"
CA_DAYS=3650
SERVER_DAYS=397

fail() { echo "$*" >&2; exit 1; }
kube() { ${KUBECTL:-kubectl} --namespace gittix "$@"; }
on_kubernetes() { [ "$STORE" = kubernetes ]; }

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
# Before the one that is there: the first of the file signs.
new_ca() {
  new_key "$FOLDER/ca.key.new"
  openssl req -x509 -key "$FOLDER/ca.key.new" -days "$CA_DAYS" -subj "/CN=gittix internal $(openssl rand -hex 4)" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign -out "$FOLDER/ca.crt.new"
  [ ! -e "$FOLDER/ca.crt" ] || cat "$FOLDER/ca.crt" >> "$FOLDER/ca.crt.new"
  # The key last: without one the next call makes another CA, and a certificate too many does no harm.
  mv "$FOLDER/ca.crt.new" "$FOLDER/ca.crt"
  save_ca
  mv "$FOLDER/ca.key.new" "$FOLDER/ca.key"
  save_ca_key
}
names_of() {
  printf DNS:localhost
  for host in "$1-srv" $(for member in $MEMBERS; do echo "$1-$member.$1-srv"; done); do
    printf ',DNS:%s,DNS:%s.gittix.svc,DNS:%s.gittix.svc.cluster.local' "$host" "$host" "$host"
  done
}
# A server of a cluster or a replica set is its neighbour's client.
issue() {
  mkdir -p "$FOLDER/$1"
  new_key "$FOLDER/$1/tls.key.new"
  openssl req -new -key "$FOLDER/$1/tls.key.new" -subj "/CN=$1-srv" |
    openssl x509 -req -CA "$FOLDER/ca.crt" -CAkey "$FOLDER/ca.key" -days "$SERVER_DAYS" -out "$FOLDER/$1/tls.crt.new" \
      -extfile "$FOLDER/extensions" 2> "$FOLDER/errors" || fail "$(cat "$FOLDER/errors")"
  cat "$FOLDER/$1/tls.crt.new" "$FOLDER/$1/tls.key.new" > "$FOLDER/$1/tls.pem.new"
  for file in tls.crt tls.key tls.pem; do mv "$FOLDER/$1/$file.new" "$FOLDER/$1/$file"; done
  save_server "$1"
}
issue_each() {
  for server; do
    printf '%s\n' basicConstraints=critical,CA:FALSE keyUsage=critical,digitalSignature \
      extendedKeyUsage=serverAuth,clientAuth authorityKeyIdentifier=keyid "subjectAltName=$(names_of "$server")" \
      > "$FOLDER/extensions"
    issue "$server"
  done
  rm -f "$FOLDER/extensions" "$FOLDER/errors"
}

# --- The store

fetch() {
  # Apart from its decoding: a cluster that can't be asked is no cluster without a CA.
  data=$(kube get "$1" "$2" --ignore-not-found --output "jsonpath={$3}") || exit 1
  [ -z "$data" ] || printf '%s\n' "$data" | $4 > "$FOLDER/${5}"
}
load() {
  on_kubernetes || { mkdir -p "$FOLDER"; return; }
  fetch configmap internal-ca '.data.ca\.crt' cat ca.crt
  fetch secret internal-ca-key '.data.ca\.key' 'openssl base64 -d -A' ca.key
}
has() {
  if on_kubernetes; then
    found=$(kube get secret "tls-$1" --ignore-not-found --output name) || exit 1
    [ -n "$found" ]
  else
    [ -e "$FOLDER/$1/tls.pem" ]
  fi
}
is_by_the_newest_ca() {
  mkdir -p "$FOLDER/$1"
  ! on_kubernetes || fetch secret "tls-$1" '.data.tls\.crt' 'openssl base64 -d -A' "$1/tls.crt"
  openssl x509 -in "$FOLDER/ca.crt" | openssl verify -CAfile /dev/stdin "$FOLDER/$1/tls.crt" > /dev/null 2>&1
}
put() { kube create "$@" --dry-run=client --output yaml | kube apply -f - > /dev/null; }
save_ca() { ! on_kubernetes || put configmap internal-ca --from-file="$FOLDER/ca.crt"; }
save_ca_key() { ! on_kubernetes || put secret generic internal-ca-key --from-file="$FOLDER/ca.key"; }
save_server() {
  ! on_kubernetes || put secret generic "tls-$1" --from-file="$FOLDER/$1/tls.crt" --from-file="$FOLDER/$1/tls.key" \
    --from-file="$FOLDER/$1/tls.pem"
}
# One pod after another, without a pause in the service.
restart() {
  if on_kubernetes; then
    for workload; do
      kube rollout restart "$workload"
      kube rollout status "$workload" --timeout=15m
    done
  else
    echo "Now start again: $*"
  fi
}
servers() { for server in $SERVERS; do echo "statefulset/$server"; done; }
processes() { for process in $PROCESSES; do echo "deployment/$process-depl"; done; }

[ $# = 2 ] || fail "Usage: infra/certificates.sh STORE make | renew | replace-ca | retire-ca"
STORE=$1
if on_kubernetes; then
  FOLDER=$(mktemp -d)
  trap 'rm -rf "$FOLDER"' EXIT
else
  FOLDER=$STORE
fi
load
# One command a line: in a list with &&, `set -e` would not end a failed step.
case $2 in
  make)
    [ -e "$FOLDER/ca.key" ] || new_ca
    for one in $SERVERS; do has "$one" || issue_each "$one"; done
    ;;
  renew)
    [ -e "$FOLDER/ca.key" ] || fail "There is no CA: begin with make"
    # shellcheck disable=SC2086 # several words
    issue_each $SERVERS
    # shellcheck disable=SC2046 # several words
    restart $(servers)
    ;;
  replace-ca)
    [ -e "$FOLDER/ca.key" ] || fail "There is no CA: begin with make"
    new_ca
    # shellcheck disable=SC2046 # several words
    restart $(servers) $(processes)
    ;;
  retire-ca)
    for one in $SERVERS; do is_by_the_newest_ca "$one" || fail "The certificate of $one is by the CA before: renew first"; done
    openssl x509 -in "$FOLDER/ca.crt" -out "$FOLDER/ca.crt.new"
    mv "$FOLDER/ca.crt.new" "$FOLDER/ca.crt"
    save_ca
    # shellcheck disable=SC2046 # several words
    restart $(servers) $(processes)
    ;;
  *) fail "Unknown: $2" ;;
esac
