#!/bin/sh
# Creates both databases and upgrades them to the schema of this image's Temporal version. It can run at every start, and upgrading the
# image upgrades the schema. The password is read from SQL_PASSWORD.
set -eu

: "${POSTGRES_HOST:?}" "${POSTGRES_USER:?}" "${SQL_PASSWORD:?}"

sql() {
    database=$1
    shift
    temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_HOST" -p 5432 -u "$POSTGRES_USER" --db "$database" "$@"
}

migrate() {
    versions=/etc/temporal/schema/postgresql/v12/$2/versioned
    # Without this folder the tool would find no update and succeed.
    [ -d "$versions" ] || { echo "This image has no schema in $versions" >&2; exit 1; }
    sql "$1" create
    sql "$1" setup-schema -v 0.0
    sql "$1" update-schema -d "$versions"
}

migrate temporal temporal
migrate temporal_visibility visibility
