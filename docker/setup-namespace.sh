#!/bin/sh
# Creates the namespace and the search attributes of stackato-deploy, unless they exist.
# The Temporal CLI reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE itself.
set -eu

: "${TEMPORAL_ADDRESS:?}" "${TEMPORAL_NAMESPACE:?}" "${RETENTION:?}"
ATTEMPTS=30
SECONDS_BETWEEN=2

# A server that just started may refuse calls for a while, and a new namespace takes some seconds to be known to all of it.
retry() {
    attempt=1
    until "$@"; do
        if [ "$attempt" -ge "$ATTEMPTS" ]; then
            echo "Failed after $ATTEMPTS attempts: $*" >&2
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

retry temporal operator cluster health
retry namespace
for attribute in StackatoStage StackatoCloud StackatoHost; do
    retry search_attribute "$attribute"
done
