#!/usr/bin/env bash
# No two clocks ever run, whatever is done to them: on a real node, by the container runtime's own word.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/clocks.sh"
deadline_s=180
if ! has_node; then
	skip "no two clocks ever run" "no node can be made on this machine (mounts, bridges and cgroups are needed)"
	exit
fi
new_namespace clocks
trap 'status=$?; [[ -z $events ]] || kill "$events"; (exit $status); finish_tests' EXIT
installs() {
	hack/image --name "$CLUSTER_NAME" && hack/install &&
		kubectl -n formation-system rollout status deployment/formation-controller --timeout=120s
}
check "the controller is installed, and there are images" eval 'images && installs'
listen
first() { clock v1 3 && eventually other_runs "" && k wait --for=condition=Ready --timeout=60s formation/cron; }
check "a clock starts" first
check "it is replaced at a rollout of a new image" replaced clock v2 3
check "when its environment changes, though it takes 20 s to stop" eval 'replaced clock v2 20 && replaced clock v2 3'
check "when its pod is deleted" eval 'replaced k delete pod "$(pod)" --wait=false'
check "when it is given no time to stop" eval 'replaced clock v1 3 0 && replaced k delete pod "$(pod)" --wait=false && replaced clock v2 3'
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
edited() { # whoever may edit ReplicaSets takes the gate out of the template, and makes three
	local set
	set=$(value '{.items[?(@.spec.replicas==1)].metadata.name}' get replicasets -l dyno.dev/type=clock)
	fails k patch replicaset "$set" --type json -p '[{"op": "remove", "path": "/spec/template/spec/schedulingGates"}]' &&
		k scale replicaset "$set" --replicas 3 && replaced k delete pods -l dyno.dev/type=clock --wait=false
}
fails() { ! "$@"; }
check "when somebody edits its ReplicaSet" edited
forced() {
	kubectl get validatingadmissionpolicybindings -o name | grep -E 'dyno|formation' | xargs -r kubectl delete &&
		eventually k scale deployment cron-clock --replicas 3 && replaced k delete pods -l dyno.dev/type=clock --wait=false &&
		becomes 1 '{.spec.replicas}' get deployment cron-clock && hack/install
}
check "when somebody makes three of it, with the policies taken away" forced
check "and all the while no two have run at once" never_two
echo "# $(runs)"
