#!/bin/sh
# Builds main.go with go-redis, fetched through Go's own proxy, in TRIB_WORK_DIR, and runs it.
set -eu
PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || { echo "go-redis: go is not installed"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
cd "$TRIB_WORK_DIR"
cp "$here/go.mod" "$here/go.sum" "$here/main.go" .
timeout 200 go mod download >fetch.log 2>&1 || { echo "go-redis: cannot be fetched"; exit 77; }
go build -o client .
exec ./client
