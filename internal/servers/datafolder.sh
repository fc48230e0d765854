#!/usr/bin/env bash
# Prints the folder below which the data of test servers goes (DUALWRITE_TEST_DATA): one in memory, where the system has
# one with room, else one for temporary files. Whoever tests what survives a kill does not use it.
set -euo pipefail
memory=/dev/shm
if [ -w $memory ] && [ "$(stat -f -c %T $memory 2> /dev/null)" = tmpfs ]; then
	read -r blocks size <<< "$(stat -f -c '%a %S' $memory)"
	if [ $((blocks * size)) -ge $((4 << 30)) ]; then
		echo $memory
		exit
	fi
fi
echo "${TMPDIR:-/tmp}"
