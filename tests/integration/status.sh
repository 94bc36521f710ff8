#!/usr/bin/env bash
# What the controller reports back: status, conditions, reasons, events.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api || exit 1
new_controller_user || exit 1
new_namespace status
check "the controller is ready" run_controller --namespace "$ns"
((failures == 0)) || exit 1

conditions() { k get formation "$1" -o json | jq -r '[.status.conditions[] | "\(.type)=\(.status)"] | join(" ")'; }
process() { k get formation "$1" -o json | jq -c --arg type "$2" '.status.processes[] | select(.type == $type) | [.size, .desired, .running, .ready, .updated, .singleton, .reason, .message]'; }
event() { k get events.events.k8s.io -o json | jq -r --arg name "$1" --arg reason "$2" '.items[] |
	select(.regarding.name == $name and .reason == $reason) | .type + " " + .note'; }

# --- a life --------------------------------------------------------------

k get formations --watch -o json >"$work/watched" &
watcher=$!
formation shop <<'END'
  image: example.test/shop:v1
  processes:
  - {type: web, quantity: 2, size: 2X}
  - {type: worker, quantity: 1}
  - {type: clock}
END
progress() { eventually is "Ready=Unknown Reconciling=True Stalled=False" conditions shop; }
check "while work is under way Ready is Unknown and Reconciling True" progress
check "the full formation is canonical: spec order, type=desired:SIZE" \
	becomes "web=2:2X worker=1:1X clock=1:1X" '{.status.formation}' get formation shop
check "ready counts dynos" becomes 0/4 '{.status.ready}' get formation shop
check "observedGeneration is the generation" becomes 1 '{.status.observedGeneration}' get formation shop
check "every condition has its own observedGeneration" becomes "1 1 1" '{.status.conditions[*].observedGeneration}' get formation shop
first_status() { jq -r 'select(.metadata.name == "shop" and .status) | [.status.conditions[].type] | join(" ")' "$work/watched" | head -n 1; }
check "the very first status has conditions" eventually is "Ready Reconciling Stalled" first_status
kill "$watcher"
check "a dyno that no node takes is Unschedulable, in the scheduler's words" eventually is Unschedulable reason shop worker
check "the message names the dyno" eventually says "worker.1: " message shop worker
# What runs from here on is what a kubelet would report; no scheduler takes it back.
scheduled() { is 4 eval "k get pods -l dyno.dev/formation=shop -o json | jq '[.items[].status.conditions[]? | select(.type == \"PodScheduled\")] | length'"; }
check "every dyno has been looked at by the scheduler" eventually scheduled
hack/cluster/component --name "$CLUSTER_NAME" stop kube-scheduler >/dev/null
trap 'status=$?; hack/cluster/component --name "$CLUSTER_NAME" start kube-scheduler >/dev/null; end_controller_user; (exit $status); finish_tests' EXIT
some_run() { run_pods shop web && eventually is '["2X",2,2,2,2,false,"Running",""]' process shop web; }
check "a process whose dynos are ready is Running" some_run
check "ready counts those" becomes 2/4 '{.status.ready}' get formation shop
check "one of three is not all" is Unknown condition shop Ready
all_run() { run_pods shop worker && run_pods shop clock && k wait formation/shop --for=condition=Ready --timeout=20s; }
check "kubectl wait --for=condition=Ready returns when every process runs" all_run
check "then nothing is under way" is "Ready=True Reconciling=False Stalled=False" conditions shop
check "and all are ready" is 4/4 value '{.status.ready}' get formation shop
check "a clock is reported as the singleton that it is" is '["1X",1,1,1,1,true,"Running",""]' process shop clock
check "kubectl get shows it in four columns" says "web=2:2X worker=1:1X clock=1:1X   4/4     Running" k get fm shop
check "kubectl get -o wide adds the image" says example.test/shop:v1 k get fm shop -o wide
transition() { k get formation shop -o json | jq -r '.status.conditions[] | select(.type == "Ready") | .lastTransitionTime'; }
before=$(transition)
steady() {
	edit shop '[{"op":"replace","path":"/spec/processes/1/quantity","value":0}]' &&
		becomes "web=2:2X worker=0:1X clock=1:1X" '{.status.formation}' get formation shop &&
		eventually is ScaledToZero reason shop worker
}
check "a process at 0 is ScaledToZero" steady
check "observedGeneration follows" becomes 2 '{.status.observedGeneration}' get formation shop
down_one() {
	edit shop '[{"op":"replace","path":"/spec/processes/1/quantity","value":1}]' &&
		eventually is True condition shop Reconciling && eventually is worker.1 value '{.items[0].metadata.labels.dyno\.dev/dyno}' get pods -l dyno.dev/type=worker &&
		run_pods shop worker && eventually is True condition shop Ready && [[ $(transition) != "$before" ]]
}
check "a transition has its time" down_one

# --- quiet ---------------------------------------------------------------

owned_by_status() { k get formation shop -o json --show-managed-fields | jq -r '.metadata.managedFields[] | select(.manager == "formation-controller") | .subresource' | sort -u; }
check "the controller owns nothing of a Formation but its status" is status owned_by_status
check "nothing more is written" settled
count=$(writes | wc -l)
touch_pod() {
	k annotate pods --all example.test/touched=yes >/dev/null && k annotate formation shop example.test/touched=yes >/dev/null &&
		stays 2 is "$count" eval 'writes | wc -l'
}
check "changes that don't matter write no status" touch_pod
rewritten() {
	k patch formation shop --subresource status --type merge -p '{"status":{"ready":"9/9"}}' >/dev/null && eventually is 4/4 value '{.status.ready}' get formation shop
}
check "a status that someone else wrote is put right" rewritten
restarted() {
	settled && count=$(writes | wc -l) && restart_controller --namespace "$ns" && eventually at_least 1 metric 'formation_reconcile_total{result="unchanged"}' &&
		stays 2 is "$count" eval 'writes | wc -l'
}
check "a restart with everything in sync writes nothing" restarted

# --- what goes wrong with dynos ------------------------------------------

formation bad <<'END'
  image: example.test/bad:v1
  processes: [{type: web, quantity: 1}, {type: worker, quantity: 1}]
END
check "two dynos to break" eventually is "web.1 worker.1" eval "value '{.items[*].metadata.labels.dyno\.dev/dyno}' get pods -l dyno.dev/formation=bad | tr ' ' '\n' | sort | xargs"
# broken TYPE WAITING-REASON MESSAGE EXIT-CODE LAST-REASON
broken() {
	local last='{}'
	[[ -z ${4:-} ]] || last="{\"terminated\":{\"exitCode\":$4,\"reason\":\"$5\",\"finishedAt\":\"$(date -u +%FT%TZ)\",\"startedAt\":\"$(date -u +%FT%TZ)\"}}"
	set_pod "$(pod_names bad "$1")" '{"phase":"Running","conditions":[{"type":"PodScheduled","status":"True"},{"type":"Ready","status":"False"}],
		"containerStatuses":[{"name":"dyno","image":"i","imageID":"i","ready":false,"restartCount":3,"lastState":'"$last"',
		"state":{"waiting":{"reason":"'"$2"'","message":"'"$3"'"}}}]}'
}
crash() { broken worker CrashLoopBackOff "back-off 40s" 7 Error && eventually is CrashLoopBackOff reason bad worker && says 7 message bad worker; }
check "a dyno that crashes is CrashLoopBackOff with its exit code" crash
memory() { broken worker CrashLoopBackOff "back-off 40s" 137 OOMKilled && eventually is OOMKilled reason bad worker && says "512Mi" message bad worker; }
check "one that the memory limit killed is OOMKilled with its quota" memory
image() { broken web ImagePullBackOff "Back-off pulling image x" && eventually is ImagePullBackOff reason bad web && says "web.1" message bad web; }
check "an image that can't be pulled is ImagePullBackOff" image
check "the Ready condition's message says which process and what" eventually says "512Mi" value '{.status.conditions[?(@.type=="Ready")].message}' get formation bad
check "which is not Stalled yet, for it may end well by itself" is False condition bad Stalled
mended() { run_pods bad web && run_pods bad worker && eventually is True condition bad Ready; }
check "when the dynos run it is Ready" mended

# --- what a person has to mend -------------------------------------------

quota() {
	k create quota none --hard=pods=0 >/dev/null && formation full <<'END'
  image: example.test/app:v1
  processes: [{type: web, quantity: 1}]
END
	eventually is QuotaExceeded reason full web && says "exceeded quota: none" message full web
}
check "a quota that forbids pods is QuotaExceeded in the API server's words" quota
check "that is Stalled" eventually is "Ready=False Reconciling=False Stalled=True" conditions full
check "a Warning event says so" eventually says "Warning web: " event full QuotaExceeded
relieved() { k delete quota none >/dev/null && eventually is 1 eval 'pod_names full web | wc -l' && run_pods full web && eventually is True condition full Ready; }
DEADLINE=${DEADLINE:-60}
check "when the quota is gone it gets ready without help" relieved
refused_write() {
	k create quota nothing --hard=count/deployments.apps=0 >/dev/null && formation wall <<'END'
  image: example.test/app:v1
  processes: [{type: worker, quantity: 1}]
END
	eventually is QuotaExceeded reason wall worker && says "exceeded quota: nothing" message wall worker
}
check "a write of ours that is refused is told in the API server's words" refused_write
hot() {
	local before after
	before=$(writes_about "deployments $ns/wall-worker") && stays 5 is QuotaExceeded reason wall worker &&
		after=$(writes_about "deployments $ns/wall-worker") && echo "$before, then $after tries" && ((after - before <= 4))
}
check "and tried again ever more seldom" hot
let_in() {
	k delete quota nothing >/dev/null && edit wall '[{"op":"replace","path":"/spec/processes/0/quantity","value":2}]' &&
		SOON=5 deadline_s=5 becomes 2 '{.spec.replicas}' get deployment wall-worker
}
check "but at once when the user changes something" let_in
check "in the end everything is at rest" settled
