#!/bin/sh
# redis-cli, RESP2 and RESP3, single commands and a pipe. TRIB_RESP_PORT names the server.
set -eu
command -v redis-cli >/dev/null || { echo "redis-cli: not installed"; exit 77; }

failed=0
cli() { redis-cli -p "$TRIB_RESP_PORT" "$@"; }
# expect WHAT FOUND PATTERN
expect() {
	# shellcheck disable=SC2254 # a pattern on purpose
	case $2 in
	$3) ;;
	*) echo "$1: found \"$2\", expected $3"; failed=1 ;;
	esac
}
line() { printf '%s\n' "$2" | sed -n "$1p"; }

expect "PING" "$(cli PING)" PONG
expect "PING with a message" "$(cli PING hello)" hello
expect "inline quoting" "$(cli PING "two words")" "two words"
expect "unknown command" "$(cli NOSUCH 2>&1)" "ERR *unknown command*"
expect "wrong number of arguments" "$(cli TRACK 2>&1)" "ERR *wrong number of arguments*"
expect "INFO" "$(cli INFO | head -1)" "# *"
expect "COMMAND COUNT" "$(cli COMMAND COUNT)" "[1-9]*"
expect "CLIENT SETNAME" "$(cli CLIENT SETNAME shell)" OK

token=$(cli LINK live c1 g1 CARRIER live room-1 c1 PAGE live_cart EXT k v)
expect "LINK" "$token" "AQ*"
expect "LINK of no goods" "$(cli LINK live c1 nothing 2>&1)" "[A-Z]*"
[ ${#token} -le 120 ] || { echo "LINK: a token of ${#token} characters"; failed=1; }

track=$(cli TRACK "$token")
expect "TRACK outcome" "$(line 1 "$track") $(line 2 "$track")" "outcome ok"
expect "TRACK creator" "$(printf '%s\n' "$track" | grep -A1 '^creator$' | tail -1)" c1
expect "TRACK plan" "$(printf '%s\n' "$track" | grep -A1 '^plan$' | tail -1)" p1@1
expect "TRACK of rubbish" "$(cli TRACK rubbish | tr '\n' ' ')" "outcome bad_token reason malformed "
changed=$(printf '%s' "$token" | tr 'A-Za-z' 'B-ZAb-za')
expect "TRACK of a changed token" "$(line 2 "$(cli TRACK "$changed")")" bad_token

expect "TOUCH" "$(cli TOUCH shell-user "$token")" recorded
order=$(cli ATTRIBUTE shell-1 shell-user g1 1999 "$token")
expect "ATTRIBUTE" "$(printf '%s\n' "$order" | head -10 | tr '\n' ' ')" \
	"outcome attributed rules default@* node root charged 199 currency CNY "
expect "ATTRIBUTE repeated" "$(cli ATTRIBUTE shell-1 shell-user g1 1999 "$token")" "$order"
expect "ATTRIBUTE of other content" "$(cli ATTRIBUTE shell-1 shell-user g1 2000 "$token" 2>&1)" "CONFLICT *"
expect "ATTRIBUTE by touch" "$(cli ATTRIBUTE shell-2 shell-user g1 1999 - BRIEF | tr '\n' ' ')" "attributed 199 "
expect "ATTRIBUTE without touch" "$(cli ATTRIBUTE shell-3 stranger g1 1999 - BRIEF | tr '\n' ' ')" "no_touch 0 "
expect "EXPLAIN" "$(cli EXPLAIN shell-1)" "{*\"order\"*\"shell-1\"*}"
expect "RESP3" "$(cli -3 --no-raw TRACK "$token" | head -1)" "*1# \"outcome\" => \"ok\""

# A pipe as people use it to load: raw protocol on stdin.
loaded=$(for i in $(seq 1000); do
	printf '*7\r\n$9\r\nATTRIBUTE\r\n$%d\r\nshell-load-%d\r\n$10\r\nshell-user\r\n$2\r\ng1\r\n$4\r\n1999\r\n$1\r\n-\r\n$5\r\nBRIEF\r\n' \
		$((11 + ${#i})) "$i"
done | cli --pipe 2>&1 | tail -1)
expect "--pipe" "$loaded" "errors: 0, replies: 1000"
exit $failed
