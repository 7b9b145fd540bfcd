#!/bin/sh
# Makes the namespace and the search attributes that stackato-deploy lists by (src/deployment/names.ts). What is there stays.
# The CLI reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE itself.
set -eu

: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}" "${RETENTION:?}"
ATTEMPTS=30
SECONDS_BETWEEN=2

# A server that answers on its port may still refuse for a while, and a new namespace takes some seconds to reach all of it.
patiently() {
    attempt=1
    until "$@"; do
        if [ "$attempt" -ge "$ATTEMPTS" ]; then
            echo "Given up after $ATTEMPTS attempts: $*" >&2
            exit 1
        fi
        attempt=$((attempt + 1))
        sleep "$SECONDS_BETWEEN"
    done
}

namespace() {
    temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
        temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
}

search_attribute() {
    temporal operator search-attribute list | grep -qw "$1" ||
        temporal operator search-attribute create --name "$1" --type Keyword
}

patiently temporal operator cluster health
patiently namespace
for attribute in StackatoStage StackatoCloud StackatoHost; do
    patiently search_attribute "$attribute"
done
