#!/usr/bin/env bash
# Usage on a real node: two minutes in which dynos come, go, crash and are replaced while the controller is killed
# three times, against what a watch of the pods told.
. "$(dirname "$0")/../lib.sh"
deadline_s=120
PATH=$root/bin:$PATH
if [[ $(cat "$(hack/cluster/dir --name "$CLUSTER_NAME")/mode") != node ]]; then
	skip "usage is what the pods told, on a real node" "no node can be made on this machine"
	exit
fi
install_api || exit 1
new_namespace usage
hack/cluster/app-images --name "$CLUSTER_NAME" >"$work/images" 2>&1 || exit 1

# The pods as everybody can see them: every version, the last words included.
k get pods -l dyno.dev/formation=shop --watch --output-watch-events -o json >"$work/pods" 2>/dev/null &
watch_pid=$!
trap 'status=$?; kill $watch_pid 2>/dev/null; (exit $status); finish_tests' EXIT

# truth UNIX-TIME: "type size seconds" of every container that ran until then, told apart by its id
truth() {
	jq -rs --argjson now "$1" '
		[.[].object | . as $pod | .status.containerStatuses[]? |
			((.state.running | select(.) | {id: null, startedAt}) + {id: .containerID}),
			(.state.terminated, .lastState.terminated | select(.) | {id: .containerID, startedAt, finishedAt}) |
			select(.startedAt) |
			{id, type: $pod.metadata.labels["dyno.dev/type"], size: $pod.metadata.labels["dyno.dev/size"],
				from: (.startedAt | fromdate), to: (.finishedAt // null | if . then fromdate else null end)}] |
		group_by(.id) | map({type: .[0].type, size: .[0].size, from: .[0].from, to: (map(.to) | max)}) |
		map(. + {seconds: ([((.to // $now) - .from), 1] | max)}) |
		group_by([.type, .size]) | map("\(.[0].type) \(.[0].size) \(map(.seconds) | add)") | .[]' "$work/pods"
}
usage() { kubectl formation usage shop -n "$ns" -o json; }

# It is told what the pods told, to the second, and nothing is uncertain. Both are asked for one moment.
agrees() {
	usage >"$work/usage" || return 1
	truth "$(jq '.until | fromdate' "$work/usage")" >"$work/truth"
	jq -r '.usage | sort_by(.type, .size)[] | "\(.type) \(.size) \(.dynoSeconds)"' "$work/usage" >"$work/told"
	cat "$work/truth"
	[[ -s $work/truth ]] && diff "$work/truth" "$work/told" && is 0 jq .total.uncertainSeconds "$work/usage"
}
set_web() { k patch formation shop --type=json -p "[{\"op\":\"replace\",\"path\":\"/spec/processes/0/quantity\",\"value\":$1}]" >/dev/null; }
running() { k get pods -l "dyno.dev/formation=shop,dyno.dev/type=$1" -o json | jq '[.items[].status.containerStatuses[]? | select(.state.running)] | length'; }
runs() { eventually is "$2" running "$1"; }
restarts() { k get pods -l "dyno.dev/formation=shop,dyno.dev/type=$1" -o json | jq '[.items[].status.containerStatuses[]?.restartCount] | add // 0'; }
restarted() { (($(restarts "$1") >= $2)); }
kill_controller() { stop_controller KILL; }
started_s=$SECONDS

starts() {
	start_controller --namespace "$ns" && k apply -f - >/dev/null <<-'YAML' && runs web 2 && runs worker 1
		apiVersion: dyno.dev/v1
		kind: Formation
		metadata: {name: shop}
		spec:
		  image: formation.test/app:v1
		  processes:
		  - {type: web, quantity: 2, command: app web}
		  - {type: worker, quantity: 1, size: 2X, command: app worker, env: [{name: TERM_SECONDS, value: "8"}]}
		  - {type: job, quantity: 1, command: sleep 5; exit 1}
		  - {type: flash, quantity: 1, command: exit 1}
	YAML
}
check "dynos run" starts
check "usage is what their pods told" eventually agrees

# One restart without a controller: of two the pod would no longer tell the first.
scaled_while_killed() {
	local before
	set_web 4 && runs web 4 && eventually agrees && before=$(restarts job) && kill_controller &&
		eventually restarted job $((before + 1)) && start_controller --namespace "$ns"
}
check "the controller is killed after a scale-up, and a dyno crashes without it" scaled_while_killed
check "usage is what the pods told" eventually agrees

# Dynos are ending when it is killed, and have not ended when it is back.
ended_while_killed() {
	k patch formation shop --type=json -p '[{"op":"replace","path":"/spec/processes/1/quantity","value":0}]' >/dev/null &&
		eventually terminating worker && kill_controller && start_controller --namespace "$ns" && runs worker 0
}
terminating() { k get pods -l "dyno.dev/formation=shop,dyno.dev/type=$1" -o json | jq -e '.items | any(.metadata.deletionTimestamp)' >/dev/null; }
check "it is killed while a dyno ends, which ends when it is back" ended_while_killed
check "usage is what the pods told, again" eventually agrees

# A rollout, with the controller killed in the midst of it.
rolled_out() {
	k patch formation shop --type=merge -p '{"spec":{"image":"formation.test/app:v2"}}' >/dev/null &&
		eventually rolling && kill_controller && start_controller --namespace "$ns" &&
		k wait --for=jsonpath='{.status.updatedReplicas}'=4 --timeout=60s deployment/shop-web && runs web 4
}
rolling() { (($(k get replicasets -l dyno.dev/type=web -o json | jq '.items | length') > 1)); }
check "it is killed in the midst of a rollout" rolled_out
one_deleted() {
	local pod
	pod=$(k get pods -l dyno.dev/type=web -o name | head -n 1)
	k delete "$pod" >/dev/null && runs web 4
}
check "somebody deletes a dyno" one_deleted
scaled_down() { set_web 1 && runs web 1; }
check "and scales down" scaled_down
two_minutes() { ((SECONDS - started_s >= 120)) && restarted job 3; }
check "two minutes have passed" eventually two_minutes
check "usage is what the pods told, to the second" eventually agrees
table() {
	kubectl formation usage shop -n "$ns" >"$work/table" && cat "$work/table" &&
		grep -qE '^TYPE +SIZE +DYNO-SECONDS +SIZE-HOURS +RUNNING$' "$work/table" && grep -qE '^worker +2X +[0-9]+ +0\.[0-9]{2} +0$' "$work/table" &&
		grep -qE '^total ' "$work/table"
}
check "kubectl formation usage shows it" table
quiet() {
	k patch formation shop --type=json -p '[{"op":"replace","path":"/spec/processes","value":[{"type":"web","quantity":1}]}]' >/dev/null &&
		k wait --for=condition=Ready --timeout=60s formation/shop && eventually is 1 pod_count && eventually agrees &&
		eventually unwritten
}
pod_count() { k get pods -o json | jq '.items | length'; }
unwritten() { stays 5 same_version "$(value '{.metadata.resourceVersion}' get formation shop)"; }
same_version() { is "$1" value '{.metadata.resourceVersion}' get formation shop; }
stays() {
	local end=$((SECONDS + $1))
	shift
	while "$@"; do
		((SECONDS < end)) || return 0
		sleep 0.1 # the interval of a poll
	done
	return 1
}
check "while nothing changes nothing is written" quiet
