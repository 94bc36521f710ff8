#!/usr/bin/env bash
# Dynos on a real node: the whole installation, containers, HTTP through the Service, scaling, rollouts and
# what goes wrong with a container. The controller runs in the cluster, as deploy/base has it.
. "$(dirname "$0")/../lib.sh"
deadline_s=120
cluster_dir=$(hack/cluster/dir --name "$CLUSTER_NAME")
if [[ $(cat "$cluster_dir/mode") != node ]]; then
	skip "dynos run on a real node" "no node can be made on this machine (mounts, bridges and cgroups are needed)"
	exit
fi
new_namespace dynos
in_cluster() { hack/cluster/exec --name "$CLUSTER_NAME" -- "$@"; }

# formation NAME PROCESS-AS-YAML [SPEC-LINE]
formation() {
	k apply -f - <<-YAML
		apiVersion: dyno.dev/v1
		kind: Formation
		metadata: {name: $1}
		spec:
		  image: formation.test/app:v1
		  ${3:-paused: false}
		  processes:
		  - $2
	YAML
}
ready() { k wait --for=condition=Ready --timeout="${deadline_s}s" "formation/$1"; }
page() { in_cluster curl -sS --max-time 5 "http://$(value '{.spec.clusterIP}' get service "$1")/${2:-}"; }
pods_of() { value '{range .items[*]}{.metadata.uid}{" "}{end}' get pods -l "dyno.dev/formation=$1,dyno.dev/type=$2" --field-selector status.phase=Running; }
names_of() {
	k get pods -l "dyno.dev/formation=$1,dyno.dev/type=$2" -o json |
		jq -r '[.items[] | select(.metadata.deletionTimestamp == null) | .metadata.labels["dyno.dev/dyno"] // "?"] | sort | join(" ")'
}
named() { is "$3" names_of "$1" "$2"; }
process() { value "{.status.processes[?(@.type==\"$2\")].$3}" get formation "$1"; }
trouble_of() { value '{.status.processes[0].reason} {.status.processes[0].message}' get formation "$1"; }
process_is() { is "$4" process "$1" "$2" "$3"; }

installs() {
	hack/cluster/app-images --name "$CLUSTER_NAME" && hack/image --name "$CLUSTER_NAME" &&
		hack/install && kubectl -n formation-system rollout status deployment/formation-controller --timeout=120s
}
check "the two commands of the README install the controller, which becomes available" installs

ns_shop() { k apply -f deploy/samples/shop.yaml && ready shop; }
check "the full sample becomes Ready" ns_shop
check "kubectl get fm shows the formation, how many are ready, and the status" \
	says "web=2:2X worker=1:1X clock=1:1X" k get fm shop
check "ready counts every dyno" is 4/4 value '{.status.ready}' get fm shop
check "dynos are named web.1 and web.2" eventually named shop web "web.1 web.2"
check "the web page answers through the Service and names its dyno" eventually says "web." page shop-web
dyno_env() {
	page shop-web env >"$work/env" && cat "$work/env" && grep -q '^DYNO=web\.shop-web-' "$work/env" && grep -qx 'DYNO_TYPE=web' "$work/env" &&
		grep -qx 'FORMATION=shop' "$work/env" && grep -qx 'DYNO_SIZE=2X' "$work/env" && grep -qx 'PORT=5000' "$work/env" &&
		grep -qx 'RACK_ENV=production' "$work/env"
}
check "a web dyno has DYNO, DYNO_TYPE, FORMATION, DYNO_SIZE, PORT and the config in its environment" dyno_env
from_a_dyno() {
	local pod
	pod=$(value '{.items[0].metadata.name}' get pods -l dyno.dev/type=web)
	says "web." k exec "$pod" -- app get http://shop-web/
}
check "a web dyno fetches the page through the Service's name or address" from_a_dyno

scale_up() {
	local before after uid
	before=$(pods_of shop web)
	k patch formation shop --type=json -p '[{"op":"replace","path":"/spec/processes/0/quantity","value":4}]' &&
		becomes 6/6 '{.status.ready}' get formation shop && eventually named shop web "web.1 web.2 web.3 web.4" || return
	after=$(pods_of shop web)
	for uid in $before; do [[ $after == *"$uid"* ]] || { echo "pod $uid was replaced"; return 1; }; done
}
check "scaling up starts two more and restarts none" scale_up
scale_down() {
	k patch formation shop --type=json -p '[{"op":"replace","path":"/spec/processes/0/quantity","value":2}]' &&
		becomes 4/4 '{.status.ready}' get formation shop && eventually named shop web "web.1 web.2"
}
check "scaling down takes the highest numbers first" scale_down
check "a budget protects routed dynos from two on" is 1 value '{.spec.maxUnavailable}' get pdb shop-web

rollout() {
	local failed=0 asked=0 address
	address=$(value '{.spec.clusterIP}' get service shop-web)
	k patch formation shop --type=merge -p '{"spec":{"image":"formation.test/app:v2"}}' || return
	until [[ $(value '{.status.conditions[?(@.type=="Ready")].status}' get formation shop) == True &&
		$(value '{.status.observedGeneration}' get formation shop) == "$(value '{.metadata.generation}' get formation shop)" ]] ||
		((asked > 3000)); do
		asked=$((asked + 1))
		in_cluster curl -sSf --max-time 5 -o /dev/null "http://$address/" || failed=$((failed + 1))
	done
	echo "$asked requests, $failed failed"
	((asked > 3 && failed == 0)) && eventually says v2 page shop-web
}
check "a new image rolls out and not one request fails" rollout

worker_logs() { says worker k logs -l dyno.dev/formation=shop,dyno.dev/type=worker --tail=5; }
check "the worker runs its command" eventually worker_logs

comes_back() {
	local uid
	uid=$(value '{.metadata.uid}' get deployment shop-worker)
	k delete deployment shop-worker && eventually other_uid "$uid" && ready shop
}
other_uid() { local now; now=$(value '{.metadata.uid}' get deployment shop-worker) && [[ $now != "$1" ]]; }
check "a deleted Deployment comes back and its dyno runs" comes_back

shell_words() {
	formation words "{type: web, command: 'HERE=\$PORT-\$(echo sub)-\$((1+1)); export HERE; exec app web'}" &&
		ready words && eventually says "HERE=5000-sub-2" page words-web env
}
check "\$PORT, \$( and \$(( reach the shell as written" shell_words

crash() {
	formation crash '{type: worker, command: "exit 3"}' &&
		eventually says "CrashLoopBackOff worker.1 exited with 3" trouble_of crash
}
check "a dyno that exits is reported CrashLoopBackOff with its exit code" crash
out_of_memory() {
	k apply -f - <<-YAML
		apiVersion: dyno.dev/v1
		kind: DynoSize
		metadata: {name: e2e-tiny}
		spec: {memory: 32Mi, cpu: 10m}
	YAML
	formation hog '{type: worker, command: "exec app eat 256", size: E2E-TINY}' &&
		eventually says "OOMKilled memory quota exceeded: 32Mi. worker.1 exceeded its 32Mi (E2E-TINY)" trouble_of hog
}
check "a dyno over its memory is reported OOMKilled with its quota" out_of_memory
no_image() {
	formation noimage '{type: worker, image: "formation.test/absent:v9", command: app worker}' &&
		eventually pull_failed noimage
}
pull_failed() { [[ $(process "$1" worker reason) == *Image* ]]; }
check "an image that cannot be pulled is reported" no_image
too_large() {
	formation large '{type: worker, command: app worker, size: e2e-huge}' || return
	k apply -f - <<-YAML
		apiVersion: dyno.dev/v1
		kind: DynoSize
		metadata: {name: e2e-huge}
		spec: {memory: 900Gi, cpu: 10m}
	YAML
	eventually process_is large worker reason Unschedulable && says nsufficient process large worker message
}
check "a size that no node has room for is reported Unschedulable, in the scheduler's words" too_large
non_root() {
	kubectl label namespace "$ns" pod-security.kubernetes.io/enforce=restricted &&
		formation guarded '{type: web, command: app web}' 'securityContext: {runAsNonRoot: true, runAsUser: 1000}' &&
		ready guarded
}
check "with runAsNonRoot dynos run in a namespace under the restricted Pod Security Standard" non_root
quota() {
	k create quota one --hard=limits.memory=1Mi &&
		formation quota '{type: worker, command: app worker}' 'securityContext: {runAsNonRoot: true, runAsUser: 1000}' &&
		eventually process_is quota worker reason QuotaExceeded && says "exceeded quota: one" process quota worker message && k delete quota one
}
check "a quota that forbids a dyno is reported in the API server's words" quota
collected() {
	k delete formation shop --wait && eventually is "" value '{.items[*].metadata.name}' get deployments,services,pdb -l dyno.dev/formation=shop
}
check "deleting a Formation collects everything it became" collected
uninstalled() {
	formation stays '{type: web, command: app web}' 'securityContext: {runAsNonRoot: true, runAsUser: 1000}' && ready stays &&
		hack/uninstall >"$work/uninstall" && cat "$work/uninstall" && says "formations.dyno.dev" cat "$work/uninstall" &&
		says "web." page stays-web
}
check "uninstalling leaves the apps running and lists what is left" uninstalled
kubectl delete dynosize e2e-tiny e2e-huge >/dev/null 2>&1
