#!/usr/bin/env bash
# DynoSizes on a control plane: how many dynos have one, what happens when one goes, and what forbids one.
# A dyno has its size from when it is bound to a node; the Node here is one that nobody runs.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api && new_controller_user || exit 1
new_namespace sizes
node=sizes-$$ small=small-$$ large=large-$$
end_sizes() {
	kubectl delete node "$node" --wait=false >/dev/null 2>&1
	kubectl delete dynosize "$small" "$large" --ignore-not-found >/dev/null 2>&1
	k delete pods --all --force --grace-period=0 >/dev/null 2>&1
	end_controller_user
}
trap 'status=$?; end_sizes; (exit $status); finish_tests' EXIT
kubectl create -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "$node"}, "spec": {"unschedulable": true}}
END
# size NAME MEMORY [FIELD]
size() {
	kubectl apply -f - >/dev/null <<END
apiVersion: dyno.dev/v1
kind: DynoSize
metadata: {name: $1}
spec: {memory: $2, cpu: 10m${3:+, $3}}
END
}
size "$small" 64Mi && size "$large" 128Mi
check "the controller is ready" run_controller
((failures == 0)) || exit 1

# --- words ---------------------------------------------------------------

dynos() { kubectl get dynosize "$1" -o 'jsonpath={.status.dynos}'; }
have() { eventually is "$2" dynos "$1"; }
counted() { writes_about "dynosizes/status /$1 "; }
bind() {
	kubectl create --raw "/api/v1/namespaces/$ns/pods/$1/binding" -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "$1"}, "target": {"apiVersion": "v1", "kind": "Node", "name": "$node"}}
END
}
# land FORMATION TYPE: what a scheduler and a kubelet would do for all of its pods
land() {
	local pod
	for pod in $(pod_names "$1" "$2"); do
		[[ -n $(value '{.spec.nodeName}' get pod "$pod") ]] || bind "$pod" || return
		set_pod "$pod" "$running_status" || return
	done
}
remove() { k delete pod "$1" --force --grace-period=0 --wait=false >/dev/null 2>&1; }
pods_are() { is "$3" eval "pod_names $1 $2 | wc -l"; }
shop() {
	formation shop <<END
  image: example.test/shop:v1
  processes:
  - {type: web, quantity: $1, size: ${2:-$small}}
  - {type: worker, quantity: 1, size: ${small^^}}
END
}

# --- how many ------------------------------------------------------------

check "a size that nobody has has no dynos" have "$small" 0
waits() { shop 3 && eventually pods_are shop web 3 && eventually pods_are shop worker 1 && stays 2 is 0 dynos "$small"; }
check "nor when they wait for a node" waits
runs() { land shop web && land shop worker && have "$small" 4; }
check "the dynos on nodes are counted, in upper case and in lower case" runs
columns() { is "NAME|MEMORY|CPU|DEDICATED|DYNOS|AGE" eval "kubectl get dsize $small | head -n 1 | tr -s ' ' '|' | sed 's/|$//'"; }
check "kubectl get shows memory, CPU, dedicated, dynos, age" columns
row() { is "$small 64Mi 10m 4" eval "kubectl get dsize $small --no-headers | awk '{print \$1, \$2, \$3, \$4}'"; }
check "of each" row
crashes() {
	local pod
	pod=$(pod_names shop worker) && settled && count=$(counted "$small") &&
		set_pod "$pod" '{"conditions":[{"type":"Ready","status":"False"}],"containerStatuses":[{"name":"dyno","image":"i","imageID":"i","ready":false,"restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}' &&
		eventually is CrashLoopBackOff reason shop worker && stays 2 is "$count" counted "$small"
}
check "a dyno that crashes goes on counting" crashes
ends() {
	local pod
	pod=$(pod_names shop worker) && set_pod "$pod" '{"phase":"Failed"}' && have "$small" 3 && remove "$pod"
}
check "one that has ended doesn't" ends
shrinks() { shop 1 && eventually pods_are shop web 1 && have "$small" 3 && for pod in $(k get pods -l dyno.dev/type=web -o json | jq -r '.items[] | select(.metadata.deletionTimestamp) | .metadata.name'); do remove "$pod"; done && have "$small" 1; }
check "one that terminates does until it is gone" shrinks
burst() {
	local before after since
	settled && before=$(counted "$small") && since=$SECONDS && shop 30 && eventually pods_are shop web 30 && land shop web && have "$small" 30 &&
		after=$(counted "$small") && echo "$((after - before)) writes for 29 dynos in $((SECONDS - since)) s" && ((after - before <= SECONDS - since + 1))
}
check "many that start at once are at most one write a second" burst
check "then nothing more is written" settled
count=$(counted "$small")
check "when all is quiet nothing is written" stays 3 is "$count" counted "$small"
restarts() { restart_controller && eventually at_least 1 metric 'formation_reconcile_total{result="unchanged"}' && stays 3 is "$count" counted "$small"; }
check "nor after a restart in sync" restarts
corrected() { kubectl patch dynosize "$small" --subresource status --type merge -p '{"status":{"dynos":99}}' && have "$small" 30; }
check "a number that someone else wrote is put right" corrected
moved() { shop 2 && eventually pods_are shop web 2 && remove_terminating && have "$small" 2 && shop 2 "$large" && eventually is "$large" eval "k get pods -l dyno.dev/type=web --sort-by=.metadata.creationTimestamp -o json | jq -r '.items[-1].metadata.labels[\"dyno.dev/size\"] | ascii_downcase'" && land shop web && have "$large" 1; }
remove_terminating() { k get pods -o json | jq -r '.items[] | select(.metadata.deletionTimestamp) | .metadata.name' | while read -r pod; do remove "$pod"; done; }
check "a dyno of another size counts there" moved
check "and what nobody has any more goes to 0" eval 'shop 0 "$large" && eventually pods_are shop web 0 && remove_terminating && have "$large" 0'

# --- one that goes -------------------------------------------------------

shop 2 >/dev/null
uids() { k get pods -l dyno.dev/formation=shop,dyno.dev/type=web -o 'jsonpath={.items[*].metadata.uid}'; }
running() { eventually pods_are shop web 2 && remove_terminating && land shop web && eventually is Running reason shop web; }
check "two dynos run" running
before=$(uids)
generation=$(value '{.metadata.generation}' get deployment shop-web)
deleted() { kubectl delete dynosize "$small" --timeout=20s && eventually is UnknownSize reason shop web; }
check "a size in use can be deleted: its Formations say UnknownSize" deleted
check "with the sizes there are" says "${large^^}" message shop web
check "that is Stalled" is True condition shop Stalled
goes_on() { stays 2 is "$before" uids && is "$generation" value '{.metadata.generation}' get deployment shop-web; }
check "what runs goes on running" goes_on
replaced() {
	local pod
	pod=$(pod_names shop web | head -n 1) && remove "$pod" && eventually pods_are shop web 2
}
check "and is replaced when it ends" replaced
healed() { size "$small" 64Mi && eventually fails is UnknownSize reason shop web && land shop web && eventually is Running reason shop web && have "$small" 3; }
check "made again it heals by itself, and counts those that are there" eval 'land shop web; eventually pods_are shop worker 1 && land shop worker && healed'
check "without a rollout" is "$generation" value '{.metadata.generation}' get deployment shop-web
other() { kubectl delete dynosize "$small" && eventually is UnknownSize reason shop web && size "$small" 96Mi && becomes 96Mi '{.spec.template.spec.containers[0].resources.limits.memory}' get deployment shop-web; }
check "made again with another memory it is followed" other

# --- what forbids one ----------------------------------------------------

limited() {
	k apply -f - >/dev/null <<'END' && formation limited <<END2 && eventually is ReplicaFailure reason limited worker && says "is forbidden: maximum memory usage per Container is 96Mi, but limit is 128Mi" message limited worker
apiVersion: v1
kind: LimitRange
metadata: {name: most}
spec: {limits: [{type: Container, max: {memory: 96Mi}}]}
END
  image: example.test/app:v1
  processes: [{type: worker, quantity: 1, size: $large}]
END2
}
check "a size that a LimitRange forbids says so in the API server's words" limited
in_condition() { says "worker: pods \"limited-worker-" value '{.status.conditions[?(@.type=="Ready")].message}' get formation "$1" && says "is forbidden: $2" value '{.status.conditions[?(@.type=="Ready")].message}' get formation "$1" && is True condition "$1" Stalled; }
check "in the condition too, which is Stalled" in_condition limited "maximum memory usage per Container is 96Mi, but limit is 128Mi"
smaller() { edit limited '[{"op":"replace","path":"/spec/processes/0/size","value":"'"$small"'"}]' && eventually pods_are limited worker 1 && land limited worker && eventually is True condition limited Ready; }
check "a smaller size is let in" smaller
k delete limitrange most >/dev/null
rollout() {
	k create quota memory --hard=limits.memory=1Mi >/dev/null && edit limited '[{"op":"replace","path":"/spec/processes/0/size","value":"'"$large"'"}]' &&
		eventually is QuotaExceeded reason limited worker && says "exceeded quota: memory, requested: limits.memory=128Mi, used: limits.memory=" message limited worker &&
		is 1 eval 'pod_names limited worker | wc -l'
}
check "a larger size that a ResourceQuota forbids: the API server's words, and what runs goes on" rollout
check "in the condition too" in_condition limited "exceeded quota: memory"
k delete quota memory >/dev/null

# --- some namespaces only ------------------------------------------------

quietly() {
	settled && count=$(counted "$small") && restart_controller --namespace "$ns" && shop 4 &&
		eventually eval 'land shop web && is "4 Running" value "{.status.processes[0].ready} {.status.processes[0].reason}" get formation shop' && stays 2 is "$count" counted "$small"
}
check "a controller that sees some namespaces only writes no number" quietly
check "nothing of it was refused" fails grep -qi forbidden "$work/controller.log"
