#!/bin/sh
# Creates or upgrades the two databases of Temporal in PostgreSQL. It may run again.
set -eu
for database in temporal temporal_visibility; do
    schema=${database#temporal_}
    run() { temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" --port 5432 --user "$POSTGRES_USER" --db "$database" "$@"; }
    run create
    # Refused if the version table exists.
    run setup-schema -v 0.0 || true
    run update-schema -d "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
