#!/usr/bin/env bash
# Golden outputs of verbs that ask no cluster.
#
#   tests/cli/golden.sh [--update]     with kubectl-formation on the PATH
#
# A folder of cases/ is a case: `command`, whose first line is the test's name and whose others are run by bash in that
# folder, and `expected`: standard output, standard error (each line after "! ") and the exit code.
: "${KUBECONFIG:=/nonexistent}"
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
update=${1:-}

# output CASE: what the case says
output() {
	local status=0
	(cd "$1" && env -u NO_COLOR bash ./command >"$work/stdout" 2>"$work/stderr") || status=$?
	cat "$work/stdout"
	sed 's/^/! /' "$work/stderr"
	echo "exit $status"
}

is_as_expected() {
	output "$1" >"$work/is"
	[[ $update == --update ]] && cp "$work/is" "$1/expected"
	diff -u "$1/expected" "$work/is"
}

for case in tests/cli/cases/*/; do
	sentence=$(head -1 "$case/command")
	check "${sentence#\# }" is_as_expected "$case"
done
