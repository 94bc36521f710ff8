#!/usr/bin/env bash
# A node is lost: the clock that may still run there holds the next one back, until somebody says that it is gone.
# The controller runs outside of the cluster, for it could only be lost with the only node there is.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/clocks.sh"
deadline_s=180
if ! has_node; then
	skip "the clock of a lost node holds the next one back" "no node can be made on this machine (mounts, bridges and cgroups are needed)"
	exit
fi
new_namespace lost
trap 'status=$?; [[ -z $events ]] || kill "$events"; component start kubelet; (exit $status); finish_tests' EXIT
component() { hack/cluster/component --name "$CLUSTER_NAME" "$@" >/dev/null; }
reason() { value '{.status.processes[0].reason}' get formation cron; }
# power_off: the node ends without a word to anybody; its containers end with it
power_off() {
	component stop kubelet && runtime tasks ls -q | while read -r id; do
		[[ $(runtime containers info "$id" 2>/dev/null) != *formation.test/clock* ]] || runtime tasks kill --signal KILL "$id"
	done
}
gated() { value '{range .items[*]}{.spec.schedulingGates[0].name}{"\n"}{end}' get pods -l dyno.dev/type=clock | grep -c dyno.dev/singleton; }
nothing_starts() { # for as long as the node controller takes to notice, and more
	local end=$((SECONDS + ${1}))
	while ((SECONDS < end)); do
		is 1 gated && is Held reason || return
		sleep 0.1 # the interval of a poll
	done
}

# --- a node that comes back, and one that doesn't ---------------------------

starts() {
	images && hack/install && kubectl -n formation-system delete deployment formation-controller --cascade=foreground && start_controller
}
check "the controller runs outside of the cluster, and there are images" starts
listen
first() { clock v1 3 && eventually other_runs "" && k wait --for=condition=Ready --timeout=60s formation/cron; }
check "a clock starts" first
lost() { power_off && k delete pod "$(pod)" --wait=false && eventually is Held reason && nothing_starts 60; }
check "while its node is lost nothing starts" lost
check "the condition says which node, and what releases it" says "${node#*/}" value '{.status.conditions[?(@.type=="SingletonHeld")].message}' get formation cron
out_of_service() {
	kubectl taint node "${node#*/}" node.kubernetes.io/out-of-service=:NoExecute && eventually is 0 gated && is 1 eval 'k get pods -o name | wc -l'
}
check "a node that is tainted out-of-service releases the next one, and one only" out_of_service
returns() { kubectl taint node "${node#*/}" node.kubernetes.io/out-of-service-; component start kubelet && eventually other_runs ""; }
check "which runs when there is a node again" returns
deleted() {
	power_off && k delete pod "$(pod)" --wait=false && eventually is Held reason && kubectl delete "$node" && eventually is 0 gated &&
		is 1 eval 'k get pods -o name | wc -l' && component start kubelet && eventually other_runs ""
}
check "a node that is deleted releases the next one" deleted
check "and no two have ever run at once" never_two
check "the node is there for whoever comes next" kubectl wait --for=condition=Ready --timeout=60s "$node"
echo "# $(runs)"
