# Shared by the shell tests: TAP lines, waiting on conditions, a controller.
#
#   . tests/lib.sh          (from a test that has set its own $ns)
#
# A test is a function of statements that all have to hold:
#   a_sentence() { applied web.yaml && becomes '{.spec.replicas}' 2 get deployment shop-web; }
#   check "a deployment has the replicas of its process" a_sentence
# Waiting has a deadline and no fixed pause longer than a poll's.
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
: "${KUBECONFIG:?names the kubeconfig of a test cluster}"
controller=${CONTROLLER:-$root/bin/formation-controller}
work=$(mktemp -d)
tests=0 failures=0
namespaces=()
controller_pid=
deadline_s=${DEADLINE:-60}

k() { kubectl -n "${ns:-default}" "$@"; }

# check SENTENCE COMMAND…: one test
check() {
	local sentence=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$work/out" 2>&1; then
		echo "ok $tests - $sentence"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $sentence"
		tail -n 60 "$work/out" | sed 's/^/# /'
	fi
}

# skip SENTENCE WHY
skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# eventually COMMAND…: poll until it succeeds, or fail at the deadline with its last output
eventually() {
	local end=$((SECONDS + deadline_s))
	until "$@" >"$work/last" 2>&1; do
		if ((SECONDS >= end)); then
			echo "not within ${deadline_s} s: $*"
			cat "$work/last"
			return 1
		fi
		sleep 0.1 # the interval of a poll
	done
}

# is WANT COMMAND…: its output is this
is() {
	local want=$1 got
	shift
	got=$("$@" 2>&1)
	[[ $got == "$want" ]] && return
	printf '%s\n  want: %s\n  got:  %s\n' "$*" "$want" "$got"
	return 1
}

# says TEXT COMMAND…: its output has this
says() {
	local want=$1 got
	shift
	got=$("$@" 2>&1)
	[[ $got == *"$want"* ]] && return
	printf '%s\n  want: …%s…\n  got:  %s\n' "$*" "$want" "$got"
	return 1
}

# value JSONPATH KUBECTL-ARGUMENTS…
value() {
	local path=$1
	shift
	k "$@" -o "jsonpath=$path"
}

# becomes WANT JSONPATH KUBECTL-ARGUMENTS…: now or by the deadline
becomes() {
	local want=$1
	shift
	eventually is "$want" value "$@"
}

# refused TEXT COMMAND…: it fails, and says so
refused() {
	local want=$1
	shift
	if "$@" >"$work/refused" 2>&1; then
		echo "accepted: $*"
		return 1
	fi
	says "$want" cat "$work/refused"
}

# new_namespace NAME: made now, deleted at the end; becomes $ns
new_namespace() {
	ns=$1-$$
	namespaces+=("$ns")
	kubectl create namespace "$ns" >/dev/null || exit 1
}

# start_controller FLAGS…: in the background; its log is $work/controller.log, its ports are read from there
start_controller() {
	"$controller" --kubeconfig "$KUBECONFIG" --metrics-bind-address "${metrics_address:-127.0.0.1:0}" \
		--health-probe-bind-address "${health_address:-127.0.0.1:0}" --log-level debug "$@" \
		2>>"$work/controller.log" &
	controller_pid=$!
}

# stop_controller [SIGNAL]: ends the one we started, sets $controller_status
stop_controller() {
	controller_status=0
	[[ -n $controller_pid ]] || return 0
	kill "-${1:-TERM}" "$controller_pid" 2>/dev/null
	wait "$controller_pid" 2>/dev/null || controller_status=$?
	controller_pid=
}

install_api() {
	kubectl apply --server-side -f crds/ >/dev/null &&
		kubectl wait --for=condition=Established --timeout=60s -f crds/ >/dev/null &&
		kubectl apply --server-side -f deploy/base/sizes/1x.yaml -f deploy/base/sizes/2x.yaml \
			-f deploy/base/sizes/px.yaml >/dev/null
}

# audit USER [VERBS]: requests of a user in the API server's audit log, "verb resource/subresource namespace/name code"
audit() {
	jq -r --arg user "$1" --arg verbs "${2:-.}" 'select(.stage == "ResponseComplete" and .user.username == $user
		and (.verb | test($verbs))) | "\(.verb) \(.objectRef.resource)\(if .objectRef.subresource then "/" +
		.objectRef.subresource else "" end) \(.objectRef.namespace // "")/\(.objectRef.name // "") \(.responseStatus.code)"' \
		"$(hack/cluster/dir --name "$CLUSTER_NAME")/audit.log"
}

finish_tests() {
	local status=$? name
	stop_controller
	for name in "${namespaces[@]}"; do
		kubectl delete namespace "$name" --wait=false >/dev/null 2>&1
	done
	if ((failures > 0)) && [[ -s $work/controller.log ]]; then
		echo "# the controller's last lines:"
		tail -n 40 "$work/controller.log" | sed 's/^/# /'
	fi
	rm -rf "$work"
	echo "1..$tests"
	((failures == 0 && status == 0)) || exit 1
}
trap finish_tests EXIT
