#!/bin/sh
# What the official image does at its first start: a database in the volume, with the user and password it was given.
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth-host scram-sha-256 --auth-local trust > /dev/null
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  pg_ctl --pgdata "$PGDATA" --wait --options "-c listen_addresses=''" start > /dev/null
  createdb --host /var/run/postgresql --username "$POSTGRES_USER" --owner "$POSTGRES_USER" "$POSTGRES_DB" || [ "$POSTGRES_DB" = postgres ]
  pg_ctl --pgdata "$PGDATA" --wait stop > /dev/null
fi
exec postgres -D "$PGDATA" -c "listen_addresses=*"
