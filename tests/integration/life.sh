#!/usr/bin/env bash
# The controller as a program: flags, configuration, probes, metrics, its end, and what it outlives.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

new_controller_user || exit 1

# exits STATUS COMMAND…: it ends with that
exits() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	((got == want)) || { echo "status $got, wanted $want"; return 1; }
}
# ends STATUS TEXT FLAGS…: the controller ends so, with that text on standard error or output
ends() {
	local want=$1 text=$2
	shift 2
	exits "$want" timeout 20 "$controller" "$@" >"$work/text" 2>&1 && says "$text" cat "$work/text"
}
one_line() { is 1 grep -c '' "$work/text"; }
ends_in_one_line() { ends "$@" && one_line; }

# --- flags and files -----------------------------------------------------

check "--version prints it" ends 0 "formation-controller " --version
check "--help lists the flags" ends 0 "--health-probe-bind-address ADDRESS" --help
check "an unknown flag is exit 2, with the usage" ends 2 'unknown flag "--frobnicate"' --frobnicate
check "the usage is there" says "Usage: formation-controller" cat "$work/text"
check "a wrong value names the flag" ends 2 '--log-level: "loud"' --log-level loud
printf 'log-level: debug\nfrobnicate: 1\n' >"$work/unknown.yaml"
check "an unknown key of --config is named with its line" ends_in_one_line 1 "unknown.yaml:2: frobnicate: unknown key" --config "$work/unknown.yaml"
printf 'log-level: [\n' >"$work/broken.yaml"
check "a --config that is no YAML is named" ends_in_one_line 1 "broken.yaml" --config "$work/broken.yaml"
check "so is one that isn't there" ends_in_one_line 1 "$work/none.yaml" --config "$work/none.yaml"

check "a kubeconfig that isn't there is one line" ends_in_one_line 1 "$work/none" --kubeconfig "$work/none"
printf 'a: [\n' >"$work/broken"
check "one that is malformed names the file" ends_in_one_line 1 "$work/broken" --kubeconfig "$work/broken"
check "a context that isn't there is named" ends_in_one_line 1 '"nowhere"' --kubeconfig "$controller_kubeconfig" --context nowhere
kubectl config view --raw --kubeconfig "$controller_kubeconfig" -o json >"$work/config.json"
variant() { jq "$2" "$work/config.json" >"$work/$1"; }
variant user '.contexts[0].context.user = "nobody"'
check "a context whose user isn't there names the user" ends_in_one_line 1 nobody --kubeconfig "$work/user"
variant ca '.clusters[0].cluster["certificate-authority-data"] = "bm90IGEgY2VydA=="'
check "a CA that is none is named" ends_in_one_line 1 "$work/ca" --kubeconfig "$work/ca"
variant key '.users[0].user["client-key-data"] = "bm90IGEga2V5"'
check "so is a client key that is none" ends_in_one_line 1 "$work/key" --kubeconfig "$work/key"
check "an address that can't be listened on is named" ends 1 "256.0.0.1:1" --kubeconfig "$controller_kubeconfig" --metrics-bind-address 256.0.0.1:1

# --- without an API server, without CRDs ---------------------------------

lines() { grep -cE -- "$1" "$work/controller.log"; }
variant nowhere '.clusters[0].cluster.server = "https://127.0.0.1:1"'
unreachable() { launch_controller --kubeconfig "$work/nowhere" && eventually says "formations: " readyz && says "onnect" readyz; }
check "without an API server /readyz says why" unreachable
check "which is 503" is 503 curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$health_port/readyz"
check "/healthz is fine" is ok curl -fsS "http://127.0.0.1:$health_port/healthz"
tries() { at_least 3 lines 'formations.*: (list|watch).*again in'; }
told_once() { eventually tries && is 1 lines ' WARN '; }
check "it is logged once, however often it is tried" told_once
stop_controller
check "and ends with status 0" is 0 echo "$controller_status"

kubectl delete --wait -f crds/ >/dev/null 2>&1
missing() { launch_controller && eventually says "formations: the CRD is not installed: kubectl apply --server-side -f crds/" readyz; }
check "without CRDs /readyz says how to install them" missing
check "so does one line of the log" eventually is 1 lines 'WARN.*formations: the CRD is not installed: kubectl apply --server-side -f crds/'
arrives() { install_api && eventually is_ready; }
check "when they are installed it gets ready by itself" arrives
stop_controller

# --- configuration -------------------------------------------------------

new_namespace life
other=life-other-$$
kubectl create namespace "$other" >/dev/null && namespaces+=("$other")
printf 'kubeconfig: %s\nnamespace: [%s]\nlog-format: json\nlog-level: error\n' "$controller_kubeconfig" "$ns" >"$work/config.yaml"
from_file() { run_controller --config "$work/config.yaml"; }
check "every flag can stand in --config, and flags win" from_file
check "the log is JSON then" eval 'head -n 1 "$work/controller.log" | jq -e .msg'
spec='  image: example.test/app:v1
  processes: [{type: web, quantity: 1}, {type: worker, quantity: 2}]'
formation app <<<"$spec"
(ns=$other && formation app <<<"$spec")
check "a Formation of the namespace is taken care of" eventually k get deployment/app-web deployment/app-worker service/app-web
check "one of another namespace isn't" is "" value '{.items[*].metadata.name}' -n "$other" get deployments
both() { restart_controller --namespace "$ns" --namespace "$other" && eventually kubectl -n "$other" get deployment/app-web; }
check "--namespace can be given again" both
everywhere() { k delete formation app >/dev/null; restart_controller && formation app <<<"$spec" && eventually k get deployment/app-web; }
check "without it there are all namespaces" everywhere
hardened() { grep -q 'NoNewPrivs:[[:space:]]*1' "/proc/$controller_pid/status" && grep -qE '^Max core file size +0 +0 ' "/proc/$controller_pid/limits"; }
check "no new privileges, no core dumps" hardened

# --- metrics -------------------------------------------------------------

check "reconciles are counted" eventually at_least 1 metric 'formation_reconcile_total{result="changed"}'
check "so are requests by verb, resource and code" eventually at_least 1 metric 'formation_api_requests_total{verb="apply",resource="deployments",code="201"}'
check "the caches' sizes are there" at_least 1 metric 'formation_cache_objects{resource="deployments"}'
check "the queue is empty in the end" eventually is 0 metric formation_workqueue_depth
check "memory is measured" at_least 1000000 metric process_resident_memory_bytes
check "/metrics is all there is on its port" is 404 curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$metrics_port/debug"
check "by GET alone" is 405 curl -s -o /dev/null -w '%{http_code}' -X POST "http://127.0.0.1:$metrics_port/metrics"

# --- the end, and what comes after it ------------------------------------

ends_soon() {
	local before after
	settled && before=$(date +%s%N) && stop_controller && after=$(date +%s%N) &&
		echo "$(((after - before) / 1000000)) ms, status $controller_status" &&
		((controller_status == 0 && after - before < ${END_NS:-1000000000}))
}
[[ $controller == *asan* ]] && END_NS=3000000000 # the leak check takes its time
check "SIGTERM ends it with status 0 within a second" ends_soon
interrupted() { run_controller --namespace "$ns" && stop_controller INT && is 0 echo "$controller_status"; }
check "so does SIGINT" interrupted
writes_all() { writes | wc -l; }
in_sync() {
	local before
	before=$(writes_all) && run_controller --namespace "$ns" && eventually at_least 1 metric 'formation_reconcile_total{result="unchanged"}' &&
		eventually is 0 metric formation_workqueue_depth && stays 2 is "$before" writes_all
}
check "a start with everything in sync writes nothing" in_sync

many() { for i in $(seq 20); do printf -- '---\napiVersion: dyno.dev/v1\nkind: Formation\nmetadata: {name: m%s}\nspec:\n%s\n' "$i" "$spec"; done | k apply -f - >/dev/null; }
complete() { is 40 eval "k get deployments -o name | grep -c /m" && is 20 eval "k get formations -o json | jq '[.items[] | select(.metadata.name | startswith(\"m\")) | select(.status.observedGeneration == 1)] | length'"; }
killed() {
	many && eventually at_least 7 eval "k get deployments -o name | grep -c /m" && stop_controller KILL
	run_controller --namespace "$ns" && eventually complete
}
check "killed in the middle of its work, the next one finishes it" killed
created_once() { is "" eval "writes | grep 'patch deployments $ns/m' | grep ' 201\$' | sort | uniq -d"; }
check "and makes nothing twice" created_once
scaled() { edit m1 '[{"op":"replace","path":"/spec/processes/1/quantity","value":'"$1"'}]' && becomes "$1" '{.spec.replicas}' get deployment m1-worker; }
outlives() {
	settled && hack/cluster/component --name "$CLUSTER_NAME" restart kube-apiserver >/dev/null && eventually kubectl get --raw /readyz >/dev/null &&
		scaled 5
}
check "it outlives a restart of the API server" outlives
at_most() { local got; got=$("${@:2}") && ((got <= $1)) || { echo "$got"; return 1; }; }
check "and lists everything again at most once" at_most 2 metric 'formation_lists_total{resource="formations"}'
away() {
	hack/cluster/component --name "$CLUSTER_NAME" stop kube-apiserver >/dev/null && eventually grep -q 'WARN cache: ' "$work/controller.log"
	hack/cluster/component --name "$CLUSTER_NAME" start kube-apiserver >/dev/null
	eventually kubectl get --raw /readyz >/dev/null && scaled 3 && eventually grep -q 'everything can be read again' "$work/controller.log"
}
check "and its absence, which is logged once, as is its return" away
check "it stayed the same process" kill -0 "$controller_pid"
check "in the end everything is at rest" settled

# An object that is older than the rule it breaks.
older() {
	kubectl get crd formations.dyno.dev -o json | jq 'del(.. | ."x-kubernetes-validations"?)
		| del(.metadata.managedFields, .metadata.resourceVersion, .metadata.uid)' >"$work/lax.json" &&
		kubectl replace -f "$work/lax.json" >/dev/null && formation old <<'END'
  image: example.test/app:v1
  processes: [{type: clock, quantity: 3}, {type: worker, quantity: 1}]
END
	kubectl apply --server-side --force-conflicts -f crds/ >/dev/null
	eventually is Invalid reason old clock && says "spec.processes[0].quantity" message old clock
}
check "a process that got past an older CRD is reported with the field's path" older
check "the others of its Formation go on" becomes 1 '{.spec.replicas}' get deployment old-worker
check "and it never runs as it must not" is "" value '{.items[?(@.metadata.name=="old-clock")].spec.replicas}' get deployments
