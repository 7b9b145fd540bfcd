#!/bin/sh
# Brings both databases to the schema of this image's Temporal version. Each command leaves alone what is there already, so it
# can run at every start, and an upgrade of the image upgrades the schema. The password comes from SQL_PASSWORD.
set -eu

: "${POSTGRES_HOST:?}" "${POSTGRES_USER:?}" "${SQL_PASSWORD:?}"

sql() {
    database=$1
    shift
    temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_HOST" -p 5432 -u "$POSTGRES_USER" --db "$database" "$@"
}

bring_up_to_date() {
    versions=/etc/temporal/schema/postgresql/v12/$2/versioned
    # Without this folder the tool finds no update, says so in passing, and succeeds.
    [ -d "$versions" ] || { echo "This image has no schema in $versions" >&2; exit 1; }
    sql "$1" create
    sql "$1" setup-schema -v 0.0
    sql "$1" update-schema -d "$versions"
}

bring_up_to_date temporal temporal
bring_up_to_date temporal_visibility visibility
