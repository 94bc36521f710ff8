# Shared by the integration tests of the controller; after tests/lib.sh.
#
# The controller runs as a user of its own with no rights but those of
# deploy/base, so that the audit log tells its requests from kubectl's and a
# right that is missing shows as a failure.
: "${CLUSTER_NAME:?names the test cluster}"
controller_user=controller-$$

new_controller_user() {
	kubectl apply --server-side -f deploy/base/rbac-controller.yaml -f deploy/base/rbac-sizes.yaml \
		>/dev/null || return 1
	local role
	for role in formation-controller formation-controller-sizes; do
		kubectl create clusterrolebinding "$controller_user-$role" --clusterrole "$role" \
			--user "$controller_user" >/dev/null || return 1
	done
	controller_kubeconfig=$(hack/cluster/user --name "$CLUSTER_NAME" "$controller_user" | tail -n 1)
	[[ -r $controller_kubeconfig ]]
}

# run_controller FLAGS…: start one as its user, and wait until it is ready
run_controller() {
	launch_controller "$@" && eventually is_ready
}

launch_controller() {
	[[ ! -s $work/controller.log ]] || mv "$work/controller.log" "$work/controller.log.$tests"
	start_controller --kubeconfig "$controller_kubeconfig" "$@"
	eventually grep -q 'metrics on port' "$work/controller.log" || return 1
	metrics_port=$(sed -nE 's/.*metrics on port ([0-9]+),.*/\1/p' "$work/controller.log")
	health_port=$(sed -nE 's/.*health probes on port ([0-9]+).*/\1/p' "$work/controller.log")
}

is_ready() { is ok readyz; }
readyz() { curl -sS "http://127.0.0.1:$health_port/readyz"; }
metrics() { curl -fsS "http://127.0.0.1:$metrics_port/metrics"; }

# metric NAME-WITH-LABELS: its value
metric() {
	metrics | awk -v name="$1" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }'
}

# restart_controller FLAGS…
restart_controller() {
	stop_controller
	run_controller "$@"
}

# at_least NUMBER COMMAND…: it prints at least that
at_least() {
	local least=$1 got
	shift
	got=$("$@") && ((got >= least)) && return
	echo "$*: $got, wanted at least $least"
	return 1
}

# writes: what the controller wrote so far, one request a line
writes() { audit "$controller_user" 'create|update|patch|delete'; }

# writes_about TEXT: lines of `writes` that have it, as a number
writes_about() { writes | grep -cF -- "$1"; }

# settled: no write of the controller for a second
settled() {
	local end=$((SECONDS + deadline_s)) before='' now same=0
	while ((same < 10)); do
		now=$(writes | wc -l)
		if [[ $now == "$before" ]]; then same=$((same + 1)); else same=0; fi
		before=$now
		((SECONDS < end)) || { echo "still writing:"; writes | tail -n 20; return 1; }
		sleep 0.1 # the interval of a poll
	done
}

# stays SECONDS COMMAND…: it holds now, and for so long
stays() {
	local end=$((SECONDS + $1))
	shift
	while "$@"; do
		((SECONDS < end)) || return 0
		sleep 0.1 # the interval of a poll
	done
	return 1
}

# fails COMMAND…: it doesn't succeed
fails() { ! "$@"; }

# formation NAME: apply one whose spec is on standard input, indented by two
formation() {
	{
		printf 'apiVersion: dyno.dev/v1\nkind: Formation\nmetadata: {name: %s}\nspec:\n' "$1"
		cat
	} | k apply -f - >/dev/null
}

# edit NAME JSON-PATCH: a change of a Formation
edit() { k patch formation "$1" --type json -p "$2" >/dev/null; }

# reason NAME TYPE: of a process
reason() { value "{.status.processes[?(@.type==\"$2\")].reason}" get formation "$1"; }
message() { value "{.status.processes[?(@.type==\"$2\")].message}" get formation "$1"; }
condition() { value "{.status.conditions[?(@.type==\"$2\")].status}" get formation "$1"; }

# table: rows `sentence | kind/name | jsonpath | value` on standard input, a test each
table() {
	local sentence object path want
	while IFS='|' read -r sentence object path want; do
		[[ -n ${sentence// /} ]] || continue
		check "$(trim "$sentence")" becomes "$(trim "$want")" "$(trim "$path")" get "$(trim "$object")"
	done
}

trim() {
	local text=$1
	text=${text#"${text%%[![:space:]]*}"}
	printf '%s' "${text%"${text##*[![:space:]]}"}"
}

# pod_names FORMATION TYPE: of the pods that are not being deleted
pod_names() {
	k get pods -l "dyno.dev/formation=$1,dyno.dev/type=$2" -o json |
		jq -r '.items[] | select(.metadata.deletionTimestamp | not) | .metadata.name'
}

# set_pod NAME STATUS-JSON: what a kubelet would write
set_pod() { k patch pod "$1" --subresource status --type merge -p "{\"status\":$2}" >/dev/null; }

running_status='{"phase":"Running","conditions":[{"type":"PodScheduled","status":"True"},{"type":"Ready",
	"status":"True","lastTransitionTime":"2026-11-23T00:00:00Z"}],"containerStatuses":[{"name":"dyno",
	"image":"i","imageID":"i","ready":true,"started":true,"restartCount":0,
	"state":{"running":{"startedAt":"2026-11-23T00:00:00Z"}}}]}'

# run_pods FORMATION TYPE: let all its pods be running and ready
run_pods() {
	local pod
	for pod in $(pod_names "$1" "$2"); do
		set_pod "$pod" "$running_status" || return 1
	done
}

end_controller_user() {
	stop_controller # before its rights are gone
	kubectl delete clusterrolebinding "$controller_user-formation-controller" \
		"$controller_user-formation-controller-sizes" >/dev/null 2>&1
}
trap 'status=$?; end_controller_user; (exit $status); finish_tests' EXIT
