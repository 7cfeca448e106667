#!/bin/sh
# Adds the keys of the broker's users to .env, once: infra/compose/seeds.sh
# They are made in the image of expiration, so that Docker alone is enough, without a network.
set -eu
cd "$(dirname "$0")/../.."
umask 077
if grep -q '^NATS_ADMINISTRATOR_KEY=' .env 2>/dev/null; then
  echo "The keys of the broker's users exist and are kept"
  exit
fi
image=$(docker build --quiet --file expiration/Dockerfile .)
keys=$(docker run --rm --network none --entrypoint python "$image" \
  -m common.seeds administrator tickets orders expiration payments client)
printf '%s\n' "$keys" >> .env
