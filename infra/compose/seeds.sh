#!/bin/sh
# Adds the keys of the broker's users to .env: infra/compose/seeds.sh
# Keys that are there stay; a later release may have a user more. They are made in the image of expiration, so that
# Docker alone is enough, without a network.
set -eu
cd "$(dirname "$0")/../.."
umask 077
set --
for user in administrator tickets orders expiration payments client auth; do
  variable=NATS_$(echo "$user" | tr '[:lower:]' '[:upper:]')_KEY
  grep -q "^$variable=" .env 2>/dev/null || set -- "$@" "$user"
done
if [ $# -eq 0 ]; then
  echo "The keys of the broker's users exist and are kept"
  exit
fi
image=$(docker build --quiet --file expiration/Dockerfile .)
keys=$(docker run --rm --network none --entrypoint python "$image" -m common.seeds "$@")
printf '%s\n' "$keys" >> .env
