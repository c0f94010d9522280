#!/bin/sh
# Builds the three database addresses and the broker's from secret files, so that no password stands in the environment
# of the compose file, then becomes the command.
set -eu
read_secret() { cat "/run/secrets/$1"; }
host="${DATABASE_HOST:-postgres}"
export LIAOYUAN_DATABASE_URL="postgresql://liaoyuan_app:$(read_secret database_app_password)@$host:5432/liaoyuan"
export LIAOYUAN_DATABASE_SYSTEM_URL="postgresql://liaoyuan_system:$(read_secret database_system_password)@$host:5432/liaoyuan"
export LIAOYUAN_DATABASE_OWNER_URL="postgresql://liaoyuan_owner:$(read_secret database_owner_password)@$host:5432/liaoyuan"
export LIAOYUAN_REDIS_URL="redis://:$(read_secret redis_password)@${REDIS_HOST:-redis}:6379/0"
exec "$@"
