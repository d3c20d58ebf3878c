#!/bin/sh
# Fetches Jedis by Maven into TRIB_WORK_DIR, compiles and runs JedisTest.
set -eu
for tool in mvn javac java; do
	command -v $tool >/dev/null || { echo "jedis: $tool is not installed"; exit 77; }
done
here=$(cd "$(dirname "$0")" && pwd)
cd "$TRIB_WORK_DIR"
cp "$here/pom.xml" "$here/JedisTest.java" .
timeout 200 mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >fetch.log 2>&1 ||
	{ echo "jedis: cannot be fetched by Maven"; exit 77; }
javac -cp 'lib/*' JedisTest.java
exec java -cp 'lib/*:.' JedisTest
