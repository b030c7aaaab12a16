#!/bin/sh
# The HTTP calls of a phone's app, with curl and jq in the place of its own HTTP client.
#
#   sh app.sh open    ask which headline to show, print it, send what waits
#   sh app.sh buy     count a purchase, at once or when the service can be reached again
#
# What an app keeps on the device is kept in files of APP_DATA:
#   id            the visitor's id: made once, unguessable
#   variant.json  the last variant: shown when nobody answers
#   events        purchases that the service has not acknowledged, one in a line
set -eu
: "${LEVERED_URL:=http://localhost:3100}"
: "${LEVERED_KEY:=lev_pub_...}" # a publishable key of scope `track`: anybody can read an app
: "${OPTIMIZATION_ID:=00000000-0000-4000-8000-000000000000}"
: "${APP_DATA:=.}"
: "${FALLBACK:=Start free}" "${PATIENCE:=2}" # seconds

make_id() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# Print the status; the answer is in the file `answer`. Without an answer it is 000.
post() { # path, body
  curl -s --max-time "$PATIENCE" -o answer -w '%{http_code}' \
    -H 'Content-Type: application/json' -d "$2" "$LEVERED_URL/api/v2$1" || true
}

show_headline() {
  body=$(jq -n --arg id "$(cat id)" '{anonymous_id: $id, context: {device: "mobile"}}')
  case $(post "/optimizations/$OPTIMIZATION_ID/serve" "$body") in
    200) jq -e .variant answer > variant.new 2>/dev/null && mv variant.new variant.json ;;
    000 | 408 | 429 | 5??) ;; # nobody can say: the last variant stays
    *) rm -f variant.json ;; # it is paused or over
  esac
  jq -r .headline variant.json 2>/dev/null || echo "$FALLBACK"
}

queue_purchase() {
  jq -nc --arg key "$(make_id)" \
    '{type: "reward", name: "purchase", idempotency_key: $key, at: now}' >> events
}

# The service dates what arrives within a minute, so a wrong clock does no harm.
send_events() {
  while [ -s events ]; do
    body=$(head -n 50 events | jq -s --arg key "$LEVERED_KEY" --arg id "$(cat id)" '
      {key: $key, anonymous_id: $id, events: map(
        if now - .at > 60 then .timestamp = (.at | floor | todate) else . end | del(.at))}')
    case $(post /track "$body") in
      000 | 408 | 429 | 5??) return 0 ;; # they wait: what is sent twice counts once
      2??) jq -e .rejected answer >/dev/null 2>&1 || return 0 ;; # a hotel's network answered
    esac
    tail -n +51 events > events.new && mv events.new events
  done
}

mkdir -p "$APP_DATA" && cd "$APP_DATA"
[ -s id ] || make_id > id
case ${1-} in
  open) show_headline ;;
  buy) queue_purchase ;;
  *) echo "usage: app.sh open|buy" >&2 && exit 2 ;;
esac
send_events
