#!/usr/bin/env bash
# No two clocks ever run, whatever is done to them: on a real node, by the container runtime's own word of when
# each container started and ended. Then the node is lost.
. "$(dirname "$0")/../lib.sh"
deadline_s=180
cluster_dir=$(hack/cluster/dir --name "$CLUSTER_NAME")
if [[ $(cat "$cluster_dir/mode") != node ]]; then
	skip "no two clocks ever run" "no node can be made on this machine (mounts, bridges and cgroups are needed)"
	exit
fi
new_namespace clocks
runtime() { ctr --address "$cluster_dir/run/containerd.sock" --namespace k8s.io "$@"; }
node=$(kubectl get nodes -o name | head -n 1)

# --- words ---------------------------------------------------------------

# Images of their own tell the clocks' containers from all others.
images() {
	local folder version
	folder=$(mktemp -d) && mkdir -p "$folder/bin" && chmod 755 "$folder" || return
	"${CC:-cc}" -D_GNU_SOURCE -O2 -static -o "$folder/bin/app" tests/app/app.c 2>"$work/cc" || { cat "$work/cc"; return 1; }
	for version in v1 v2; do
		hack/cluster/image --name "$CLUSTER_NAME" --env "CLOCK_VERSION=$version" --entrypoint app --user 10001:10001 \
			"formation.test/clock:$version" "$folder" || return
	done
	rm -rf "$folder"
}
installs() {
	hack/image --name "$CLUSTER_NAME" && hack/install &&
		kubectl -n formation-system rollout status deployment/formation-controller --timeout=120s
}
# clock IMAGE-VERSION SECONDS-TO-STOP
clock() {
	k apply -f - <<-YAML
		apiVersion: dyno.dev/v1
		kind: Formation
		metadata: {name: cron}
		spec:
		  image: formation.test/clock:$1
		  processes:
		  - {type: clock, args: [clock], terminationGracePeriodSeconds: 60, env: [{name: TERM_SECONDS, value: "$2"}]}
	YAML
}
pod() { value '{range .items[*]}{.metadata.name} {.metadata.deletionTimestamp} {.status.phase}{"\n"}{end}' get pods -l dyno.dev/type=clock | awk 'NF == 2 && $2 == "Running" {print $1}'; }
other_runs() {
	local now
	now=$(pod)
	[[ -n $now && $now != "$1" ]]
}
# replaced COMMAND…: it ends the clock that runs, and another comes to run
replaced() {
	local before
	before=$(pod)
	"$@" && eventually other_runs "$before" && k wait --for=condition=Ready --timeout="${deadline_s}s" formation/cron
}
# runs: "N starts, at most M at once", by the runtime's events
runs() {
	awk 'function field(name) { return match($0, "\"" name "\":\"[^\"]*\"") ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5) : "" }
		/ \/containers\/create / && field("image") ~ /formation.test\/clock/ { clock[field("id")] = 1 }
		/ \/tasks\/start / && clock[field("container_id")] { starts++; if (++now > most) most = now }
		/ \/tasks\/exit / && clock[field("container_id")] && field("id") == field("container_id") { now-- }
		END { print starts + 0 " starts, at most " most + 0 " at once" }' "$work/events"
}
never_two() {
	local said
	said=$(runs)
	echo "$said"
	[[ $said == [1-9]*" starts, at most 1 at once" ]]
}
# --- the life of a clock -------------------------------------------------

check "the controller is installed, and there are images" eval 'images && installs'
runtime events >"$work/events" 2>"$work/events.err" &
events=$!
trap 'status=$?; kill "$events" 2>/dev/null; (exit $status); finish_tests' EXIT
first() { clock v1 3 && eventually other_runs "" && k wait --for=condition=Ready --timeout=60s formation/cron; }
check "a clock starts" first
check "it is replaced at a rollout of a new image" replaced clock v2 3
check "when its environment changes, though it takes 20 s to stop" eval 'replaced clock v2 20 && replaced clock v2 3'
check "when its pod is deleted" eval 'replaced k delete pod "$(pod)" --wait=false'
evicted() {
	local name
	name=$(pod)
	kubectl create --raw "/api/v1/namespaces/$ns/pods/$name/eviction" -f - >/dev/null <<-END
		{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "$name", "namespace": "$ns"}}
	END
}
check "when it is evicted" replaced evicted
drained() {
	kubectl drain "$node" --pod-selector dyno.dev/type=clock --timeout=60s --disable-eviction=false && kubectl uncordon "$node"
}
check "when its node is drained" replaced drained
check "when its Deployment is deleted" replaced k delete deployment cron-clock --wait=false
forced() {
	kubectl get validatingadmissionpolicybindings -o name | grep -E 'dyno|formation' | xargs -r kubectl delete &&
		eventually k scale deployment cron-clock --replicas 3 && replaced k delete pods -l dyno.dev/type=clock --wait=false &&
		becomes 1 '{.spec.replicas}' get deployment cron-clock && hack/install
}
check "when somebody makes three of it, with the policies taken away" forced
check "and all the while no two have run at once" never_two

echo "# $(runs)"
