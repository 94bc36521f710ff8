#!/usr/bin/env bash
# Singletons on a control plane without a node: which pod's gate is opened, and when. A pod that is bound to a
# Node that nobody runs stays terminating for ever, as on a lost node.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api || exit 1
new_controller_user || exit 1
new_namespace singletons
node=far-$$
end_singletons() {
	kubectl delete node "$node" --wait=false >/dev/null 2>&1
	k delete pods --all --force --grace-period=0 >/dev/null 2>&1
	end_controller_user
}
trap 'status=$?; kill "$watcher" 2>/dev/null; end_singletons; (exit $status); finish_tests' EXIT
kubectl create -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "$node"}, "spec": {"unschedulable": true}}
END
kubectl -n "$ns" get pods --watch --output-watch-events -o json >"$work/watched" &
watcher=$!
check "the controller is ready" run_controller --namespace "$ns"
((failures == 0)) || exit 1

# --- words ---------------------------------------------------------------

# pods FORMATION TYPE FILTER: names of those, by jq's filter
pods() {
	k get pods -l "dyno.dev/formation=$1,dyno.dev/type=$2" -o json | jq -r ".items[] | select($3) | .metadata.name"
}
gated='((.spec.schedulingGates // []) | length > 0)'
open="($gated | not)"
going='(.metadata.deletionTimestamp != null)'
ended='(.status.phase == "Failed" or .status.phase == "Succeeded")'
opened() { pods "$1" "${2:-clock}" "$open and ($going or $ended | not)"; }
waiting() { pods "$1" "${2:-clock}" "$gated"; }
one_open() { is 1 eval "opened $1 ${2:-clock} | wc -l"; }
permit() { value "{.status.processes[?(@.type==\"${2:-clock}\")].permit.pod}" get formation "$1"; }
held() { is Held reason "$1" clock; }
event() { k get events.events.k8s.io -o json | jq -r --arg name "$1" --arg reason "$2" '.items[] |
	select(.regarding.name == $name and .reason == $reason) | .type + " " + .note'; }
# land POD: as a scheduler and a kubelet would: it runs on the node
land() {
	kubectl create --raw "/api/v1/namespaces/$ns/pods/$1/binding" -f - >/dev/null <<END || return
{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "$1"}, "target": {"apiVersion": "v1", "kind": "Node", "name": "$node"}}
END
	set_pod "$1" "$running_status"
}
# next FORMATION BEFORE: another pod than that has been opened
next() {
	local now
	now=$(opened "$1") && [[ -n $now && $now != *$'\n'* && $now != "$2" ]]
}
force_delete() { k delete pod "$1" --force --grace-period=0 --wait=false >/dev/null 2>&1; }
clock() {
	formation "$1" <<END
  image: example.test/clock:${2:-v1}
  processes: [{type: clock, terminationGracePeriodSeconds: 3600}, {type: worker, quantity: 1}]
END
}

# --- one is opened -------------------------------------------------------

clock shop
check "the first pod of a clock is let run" eventually one_open shop
first=$(opened shop)
check "after it was put on record" is "$first" permit shop
check "by its uid" is "$(value '{.metadata.uid}' get pod "$first")" value '{.status.processes[0].permit.uid}' get formation shop
check "other processes have no gate and no permit" is "1 " eval 'echo "$(opened shop worker | wc -l) $(permit shop worker)"'
check "the gate was opened by the controller" says "patch pods $ns/$first 200" writes
land "$first"
check "a clock that runs is Running" eventually is Running reason shop clock
check "a gate was counted" eventually is 1 metric formation_singleton_gates_opened_total
three() {
	stop_controller && k scale deployment shop-clock --replicas 3 && eventually is 2 eval 'waiting shop | wc -l' &&
		run_controller --namespace "$ns" && becomes 1 '{.spec.replicas}' get deployment shop-clock && eventually is "" waiting shop && is "$first" opened shop
}
check "of three that someone scaled to two wait, and are taken away again" three

# --- who has to be gone first --------------------------------------------

terminating() {
	k delete pod "$first" --wait=false && eventually is 1 eval 'waiting shop | wc -l' && eventually held shop && stays 2 is "" opened shop
}
check "while a dyno terminates on its node the next one waits" terminating
held_says() { says "$1" value '{.status.conditions[?(@.type=="SingletonHeld")].status} {.status.conditions[?(@.type=="SingletonHeld")].message}' get formation shop; }
check "the condition SingletonHeld says which pod" held_says "True clock: pod $first on node $node, being deleted since "
check "and what releases it" held_says "kubectl delete node $node"
check "the wait is not taken for the scheduler's" is Held value '{.status.conditions[?(@.type=="Ready")].reason}' get formation shop
forced() { force_delete "$first" && eventually next shop "$first" && is "$(opened shop)" permit shop; }
check "a forced deletion releases the next one" forced
check "SingletonHeld is gone then" becomes "" '{.status.conditions[?(@.type=="SingletonHeld")].status}' get formation shop
second=$(opened shop)
finalizer() { # a bound one: the garbage collector declares others Failed, and they keep nobody waiting
	land "$second" && k patch pod "$second" --type merge -p '{"metadata":{"finalizers":["example.test/wait"]}}' && k delete pod "$second" --wait=false &&
		eventually is 1 eval 'waiting shop | wc -l' && eventually held shop && stays 2 is "" opened shop
}
check "so does one that only a finalizer keeps" finalizer
unfinalized() { force_delete "$second"; stays 1 is "" opened shop && k patch pod "$second" --type merge -p '{"metadata":{"finalizers":null}}' && eventually next shop "$second"; }
check "until that is gone" unfinalized
third=$(opened shop)
land "$third"
third_runs() { [[ $(reason shop clock) =~ ^(Running|Contested)$ ]]; } # somebody scaled it up above
check "the third runs" eventually third_runs
finished() {
	set_pod "$third" '{"phase":"Failed"}' && eventually next shop "$third" && k get pod "$third"
}
check "a terminal pod keeps nobody waiting, though its object is there" finished
out_of_service() {
	local pod
	pod=$(opened shop) && land "$pod" && k delete pod "$pod" --wait=false && eventually held shop &&
		kubectl taint node "$node" node.kubernetes.io/out-of-service=:NoExecute && eventually next shop "$pod" && one_open shop
	local status=$?
	kubectl taint node "$node" node.kubernetes.io/out-of-service-
	return $status
}
check "a lost node that is tainted out-of-service gives it back" out_of_service

# --- what people do ------------------------------------------------------

stripped() {
	local pod
	pod=$(opened shop) && land "$pod" && k label pod "$pod" dyno.dev/formation- dyno.dev/type- dyno.dev/singleton- &&
		eventually is 1 eval 'waiting shop | wc -l' && eventually held shop && says "$pod" message shop clock &&
		stays 2 is "" opened shop && force_delete "$pod" && eventually one_open shop
}
check "a running dyno whose labels were taken away keeps the next one waiting" stripped
check "nobody has seen two so far" is 0 metric formation_singleton_overlaps_total
by_hand() {
	local pod other
	pod=$(opened shop) && land "$pod" && k delete pod "$pod" --wait=false && eventually held shop && other=$(waiting shop) &&
		k patch pod "$other" --type json -p '[{"op":"remove","path":"/spec/schedulingGates"}]' && land "$other" &&
		eventually is SingletonOverlap reason shop clock && eventually says "Warning clock: pod $other runs beside" event shop SingletonOverlap &&
		k scale deployment shop-clock --replicas 3 && stays 2 is "$other" opened shop && is "1" metric formation_singleton_overlaps_total &&
		force_delete "$pod" && eventually is "$other" eval 'opened shop' && eventually fails is SingletonOverlap reason shop clock
}
mark=$(wc -l <"$work/watched")
check "a gate that was opened by hand is noticed, said, counted, and no other is opened" by_hand

# --- changing what it is -------------------------------------------------

becoming() {
	local pod
	formation turn <<'END' && eventually is 3 eval 'opened turn cron | wc -l' || return
  image: example.test/cron:v1
  processes: [{type: cron, quantity: 3, terminationGracePeriodSeconds: 3600}, {type: web, quantity: 1}]
END
	for pod in $(opened turn cron); do land "$pod" || return; done
	old=$(opened turn cron)
	k patch formation turn --type json -p '[{"op":"replace","path":"/spec/processes/0/quantity","value":1},{"op":"add","path":"/spec/processes/0/singleton","value":true}]' &&
		eventually is Replacing reason turn cron && stays 2 is "" waiting turn cron
}
check "a type that becomes a singleton is replaced when all its dynos are gone" becoming
before_last() {
	local pods
	read -r -a pods <<<"$(echo "$old" | xargs)"
	force_delete "${pods[0]}" && force_delete "${pods[1]}" && stays 2 is "" opened turn cron && force_delete "${pods[2]}" &&
		eventually one_open turn cron && is "$(opened turn cron)" permit turn cron
}
check "not before the last one is" before_last
check "its other processes went on" is 1 eval 'opened turn web | wc -l'
unbecoming() {
	k patch formation turn --type json -p '[{"op":"replace","path":"/spec/processes/0/quantity","value":2},{"op":"replace","path":"/spec/processes/0/singleton","value":false}]' &&
		eventually is 2 eval 'opened turn cron | wc -l' && becomes "" '{.status.processes[0].permit.pod}' get formation turn
}
check "and back: two run, without gates or a permit" unbecoming

# --- controllers ---------------------------------------------------------

down() {
	local pod
	pod=$(opened shop) && stop_controller && k delete pod "$pod" --force --grace-period=0 && eventually is 1 eval 'waiting shop | wc -l' &&
		stays 2 is "" opened shop && run_controller --namespace "$ns" && eventually one_open shop
}
check "without a controller a new dyno waits, and is let run when there is one" down
two_controllers() {
	local round pod second
	"$controller" --kubeconfig "$controller_kubeconfig" --metrics-bind-address 127.0.0.1:0 --health-probe-bind-address 127.0.0.1:0 \
		--namespace "$ns" --leader-elect=false 2>>"$work/second.log" &
	second=$!
	for round in {1..15}; do
		pod=$(opened shop)
		k scale deployment shop-clock --replicas 3 >/dev/null
		force_delete "$pod"
		eventually next shop "$pod" || { echo "round $round"; kill "$second"; return 1; }
	done
	kill "$second"
	wait "$second"
}
fought() {
	local pod round
	for round in {1..8}; do
		k scale deployment shop-clock --replicas 3 >/dev/null && deadline_s=3 becomes 1 '{.spec.replicas}' get deployment shop-clock || break
	done
	echo "corrected $((round - 1)) times at once"
	pod=$(opened shop) && force_delete "$pod" && deadline_s=5 eventually next shop "$pod"
}
check "who fights over its replicas keeps no dyno waiting" fought
mark_two=$(wc -l <"$work/watched")
check "two controllers at once let one run, again and again" two_controllers
together() {
	tail -n "+$1" "$work/watched" | jq -c 'select(.object.kind == "Pod" and (.object.metadata.name | startswith("shop-clock-"))) | [.type, .object.metadata.uid,
		((.object.spec.schedulingGates // []) | length == 0) and .object.status.phase != "Failed" and .object.status.phase != "Succeeded"]' |
		jq -rs 'reduce .[] as [$type, $uid, $open] ({now: {}, most: 0}; (if $type != "DELETED" and $open then .now[$uid] = true else del(.now[$uid]) end) | .most = ([.most, (.now | length)] | max)) | .most'
}
check "whoever watched the pods never saw two open then" is 1 together "$mark_two"
before_hand() { head -n "$mark" "$work/watched" >"$work/before" && cp "$work/before" "$work/watched" && is 1 together 1; }
kill "$watcher"
check "nor before a gate was opened by hand" before_hand
