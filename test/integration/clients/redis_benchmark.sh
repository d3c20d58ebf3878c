#!/bin/sh
# redis-benchmark: many connections, pipelined, through to the end, and every order is there afterwards.
set -eu
command -v redis-benchmark >/dev/null || { echo "redis-benchmark: not installed"; exit 77; }

port=$TRIB_RESP_PORT
token=$(redis-cli -p "$port" LINK live c1 g1)
for depth in 1 16 64; do
	report=$(redis-benchmark -p "$port" -e -q -c 50 -P $depth -n 20000 -r 1000000 \
		ATTRIBUTE "bench-$depth-__rand_int__" bench-user g1 1999 "$token" BRIEF 2>&1)
	case $report in
	*"requests per second"*) ;;
	*) echo "-P $depth: found no figure in: $report"; exit 1 ;;
	esac
	case $report in
	*rror*from*server*) echo "-P $depth: $report"; exit 1 ;;
	esac
done
redis-benchmark -p "$port" -q -c 50 -P 16 -n 20000 PING >/dev/null
