#!/usr/bin/env bash
# Dedicated dynos and memory on a real node. A second node is an object that nobody runs: the scheduler takes it for one.
. "$(dirname "$0")/../lib.sh"
deadline_s=120
cluster_dir=$(hack/cluster/dir --name "$CLUSTER_NAME")
if [[ $(cat "$cluster_dir/mode") != node ]]; then
	skip "dedicated dynos have nodes of their own" "no node can be made on this machine (mounts, bridges and cgroups are needed)"
	exit
fi
new_namespace dedicated
first=$ns
kubectl create namespace "$ns-b" >/dev/null && namespaces+=("$ns-b")
real=$(kubectl get nodes -o 'jsonpath={.items[0].metadata.name}')
fake=fake-$$
end_dedicated() {
	local name
	for name in "${namespaces[@]}"; do
		kubectl -n "$name" delete formations --all >/dev/null 2>&1
		kubectl -n "$name" delete pods --field-selector "spec.nodeName=$fake" --force --grace-period=0 >/dev/null 2>&1
	done
	kubectl delete node "$fake" --ignore-not-found --wait=false >/dev/null 2>&1
	kubectl delete dynosize e2e-eater e2e-solo e2e-alone --ignore-not-found >/dev/null 2>&1
}
trap 'status=$?; end_dedicated; (exit $status); finish_tests' EXIT

# formation NAME QUANTITY SIZE [ARGS]: of one worker
formation() {
	k apply -f - >/dev/null <<-YAML
		apiVersion: dyno.dev/v1
		kind: Formation
		metadata: {name: $1}
		spec:
		  image: formation.test/app:v1
		  processes:
		  - {type: worker, quantity: $2, size: $3, terminationGracePeriodSeconds: 2, args: [${4:-worker}]}
	YAML
}
ready() { k wait --for=condition=Ready --timeout="${deadline_s}s" "formation/$1"; }
process() { value "{.status.processes[0].$2}" get formation "$1"; }
ps_says() { says "$2" bin/kubectl-formation ps "$1" -n "$ns"; }
# nodes: those of dedicated dynos of both namespaces that are not being deleted, one a line
nodes() {
	kubectl get pods -A -l dyno.dev/dedicated=true -o json |
		jq -r '.items[] | select(.metadata.deletionTimestamp == null and .spec.nodeName) | .spec.nodeName' | sort
}
never_shared() { is "" eval 'nodes | uniq -d'; }

installs() {
	hack/cluster/app-images --name "$CLUSTER_NAME" && hack/image --name "$CLUSTER_NAME" && hack/install &&
		kubectl -n formation-system rollout status deployment/formation-controller --timeout=120s
}
check "the controller is installed" installs
sizes() {
	kubectl apply -f - <<-YAML
		{apiVersion: dyno.dev/v1, kind: DynoSize, metadata: {name: e2e-eater}, spec: {memory: 32Mi, cpu: 10m}}
		---
		{apiVersion: dyno.dev/v1, kind: DynoSize, metadata: {name: e2e-solo}, spec: {memory: 48Mi, cpu: 20m, dedicated: true}}
		---
		{apiVersion: dyno.dev/v1, kind: DynoSize, metadata: {name: e2e-alone}, spec: {memory: 49Mi, cpu: 30m, dedicated: true}}
	YAML
}
check "there are two dedicated sizes, and one that is not" sizes

# --- dedicated -----------------------------------------------------------

starts() { formation one 1 e2e-solo && ready one && is "$real" nodes; }
check "a dedicated dyno runs" starts
check "its pod is Guaranteed" is Guaranteed value '{.items[0].status.qosClass}' get pods -l dyno.dev/formation=one
beside() { formation plain 1 e2e-eater && ready plain; }
check "a dyno of another size runs beside it" beside
ns=$first-b
waits() { formation two 1 e2e-alone && eventually is Unschedulable process two reason && says "anti-affinity" process two message; }
check "with one node the second, of another size in another namespace, waits, in the scheduler's words" waits
check "kubectl formation ps shows why" ps_says two "anti-affinity"
check "a ready dyno it has not" is 0/1 value '{.status.ready}' get formation two
counts() { eventually is "1 0" eval "kubectl get dynosize e2e-solo e2e-alone -o 'jsonpath={.items[*].status.dynos}'"; }
check "a dyno that waits for a node doesn't count as one of its size" counts
joins() {
	kubectl create -f - <<-YAML && kubectl patch node "$fake" --subresource status --type merge -p "$(kubectl get node "$real" -o json | jq -c '{status: {capacity: .status.capacity,
		allocatable: .status.allocatable, conditions: [{type: "Ready", status: "True", reason: "KubeletReady", message: "", lastHeartbeatTime: (now | todate), lastTransitionTime: (now | todate)}]}}')"
		{apiVersion: v1, kind: Node, metadata: {name: $fake, labels: {kubernetes.io/hostname: $fake, kubernetes.io/os: linux}}}
	YAML
}
check "a second node joins" joins
has_two() { eventually is "$(printf '%s\n' "$fake" "$real" | sort)" nodes; }
check "the second dyno gets it" has_two
ns=$first
third() { formation one 2 e2e-solo && eventually is Unschedulable process one reason && says "anti-affinity" process one message && never_shared; }
check "a third, a second one of the first process, waits" third
check "of the two on nodes, none shares one" has_two
gives() { kubectl -n "$first-b" delete formation two --wait && kubectl -n "$first-b" delete pods --all --force --grace-period=0 && has_two; }
check "when a node is given back, the one that waits gets it" gives
rolls() {
	local before
	before=$(value '{.items[*].metadata.uid}' get pods -l dyno.dev/formation=one)
	k patch formation one --type json -p '[{"op":"replace","path":"/spec/processes/0/quantity","value":1}]' >/dev/null && eventually one_left &&
		k patch formation one --type merge -p '{"spec":{"image":"formation.test/app:v2"}}' >/dev/null && eventually renewed "$before" && never_shared
}
one_left() {
	k delete pods --field-selector "spec.nodeName=$fake" --force --grace-period=0 >/dev/null 2>&1
	is 1/1 value '{.status.ready}' get formation one && is "$real" nodes
}
renewed() {
	local now
	k delete pods --field-selector "spec.nodeName=$fake" --force --grace-period=0 >/dev/null 2>&1
	now=$(value '{.items[*].spec.containers[0].image} {.status.phase}{.items[*].status.phase}' get pods -l dyno.dev/formation=one --field-selector "spec.nodeName=$real")
	is "formation.test/app:v2 Running" echo "$now"
}
kubectl cordon "$fake" >/dev/null
check "a rollout on one node ends the old dyno, then starts the new one" rolls

# --- memory --------------------------------------------------------------

eats() {
	formation hog 2 E2E-EATER "eat, '256'" && eventually is OOMKilled process hog reason &&
		eventually says "exceeded its 32Mi (E2E-EATER); the next size up is E2E-SOLO (48Mi)" process hog message &&
		says "memory quota exceeded: 32Mi. worker." process hog message
}
check "a dyno over its memory is OOMKilled, with its name, its size, and the next size up" eats
check "kubectl formation ps says so" eventually ps_says hog "out of memory"
in_condition() { says "worker: memory quota exceeded: 32Mi" value '{.status.conditions[?(@.type=="Ready")].message}' get formation hog; }
check "the condition, too" in_condition
grows() { formation hog 2 e2e-bigger "eat, '64'" && kubectl apply -f - >/dev/null <<-YAML && ready hog && is 2/2 value '{.status.ready}' get formation hog; }
	{apiVersion: dyno.dev/v1, kind: DynoSize, metadata: {name: e2e-bigger}, spec: {memory: 128Mi, cpu: 10m}}
YAML
check "with more memory it runs" grows
kubectl delete dynosize e2e-bigger >/dev/null 2>&1
