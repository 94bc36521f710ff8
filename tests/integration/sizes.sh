#!/usr/bin/env bash
# A size that changes in place, as far as that needs no kubelet: its dynos wait for a node here. And what is a rollout.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api || exit 1
new_controller_user || exit 1
new_namespace sizes
check "the controller is ready" run_controller --namespace "$ns"
((failures == 0)) || exit 1

# shop SIZE [IMAGE-VERSION] [QUANTITY]
shop() {
	formation shop <<-END
	  image: example.test/shop:${2:-v1}
	  processes: [{type: worker, quantity: ${3:-2}, size: $1}]
	END
}
one() {
	formation "$1" <<-END
	  image: example.test/shop:v1
	  processes: [{type: worker, quantity: 1, size: 1X}]
	END
}
resize() { edit "$1" "[{\"op\":\"replace\",\"path\":\"/spec/processes/0/size\",\"value\":\"$2\"}]"; }
sets() { k get replicasets -l dyno.dev/formation="$1" -o json | jq '.items | length'; }
live() { k get pods -l dyno.dev/formation="$1" -o json | jq -r "[.items[] | select(.metadata.deletionTimestamp | not)] | $2"; }
uids() { live "$1" '[.[].metadata.uid] | sort | join(" ")'; }
pods() { live "$1" length; }
memories() { live "$1" '[.[] | "\(.metadata.labels["dyno.dev/size"]) \(.spec.containers[0].resources.limits.memory)"] | unique | join(", ")'; }
template() { k get "$@" -o json | jq -c 'if .items then .items[0] else . end | .spec.template | del(.metadata.labels["pod-template-hash"])'; }
in_sync() { [[ $(template deployment "$1-worker") == "$(template replicasets -l "dyno.dev/formation=$1")" ]]; }
paused() { value '{.spec.paused}{.metadata.annotations.dyno\.dev/resizing}' get deployment "$1"; }
updated() { value '{.status.updatedReplicas}' get deployment "$1"; }
events() { k get events.events.k8s.io -o json | jq -r --arg name "$1" --arg reason "$2" '.items[] | select(.regarding.name == $name and .reason == $reason) | .note'; }
condition_of() { k get formation "$1" -o json | jq -r '.status.conditions[] | select(.type == "Resizing") | "\(.status) \(.reason) \(.message)"'; }

# --- in place ------------------------------------------------------------

starts() { shop 1X && eventually is 2 pods shop && eventually is 2 updated shop-worker && settled; }
check "two dynos of 1X are made" starts
grows() {
	local before
	before=$(uids shop)
	shop 2X && eventually is "2X 1Gi" memories shop && eventually is "" paused shop-worker && settled && is "$before" uids shop
}
check "1X to 2X changes the pods that are there" grows
check "no ReplicaSet is made" is 1 sets shop
check "the ReplicaSet's template is the Deployment's" in_sync shop
check "to the Deployment's controller they are up to date" is 2 updated shop-worker
check "an event says so" says "none was restarted" events shop Resized
later() { shop 2X v1 3 && eventually is 3 pods shop && is "2X 1Gi" memories shop && is 1 sets shop; }
check "a dyno made later has the new size" later
back() { shop 1X v1 3 && eventually is "1X 512Mi" memories shop && eventually is "" paused shop-worker && settled && is 1 sets shop; }
check "and back" back
both() { shop 2X v1 2 && eventually is "2X 1Gi" memories shop && eventually is 2 pods shop && settled && is 1 sets shop; }
check "size and quantity in one edit are done in place" both
quick() {
	local size before
	before=$(uids shop)
	for size in 1X 2X 1X 2X 1X; do shop $size || return; done
	eventually is "1X 512Mi" memories shop && settled && is "" paused shop-worker && is 1 sets shop && is "$before" uids shop && in_sync shop
}
check "sizes in quick succession end in the last one" quick
definition() {
	printf 'apiVersion: dyno.dev/v1\nkind: DynoSize\nmetadata: {name: own-%s}\nspec: {memory: %s, cpu: 50m}\n' $$ "$1" | kubectl apply -f - >/dev/null
}
followed() {
	definition 64Mi && shop "own-$$" && eventually is "OWN-$$ 64Mi" memories shop && settled && definition 96Mi &&
		eventually is "OWN-$$ 96Mi" memories shop && settled && is 1 sets shop && in_sync shop
}
check "a DynoSize that changes is carried to the dynos that have it" followed
deleted() {
	local before
	before=$(live shop '.[0].metadata.uid')
	shop 1X && k delete pods -l dyno.dev/formation=shop --wait=false >/dev/null && eventually is "1X 512Mi" memories shop &&
		settled && is 1 sets shop && is "" paused shop-worker && fails says "$before" uids shop
}
check "dynos that are deleted meanwhile come back with the new size" deleted

# killed_after NUMBER SIZE: the controller ends after that many of its writes, and another one goes on
killed_after() {
	local wanted
	wanted=$(($(writes | wc -l) + $1))
	shop "$2" && eventually at_least "$wanted" eval 'writes | wc -l'
	stop_controller KILL
	run_controller --namespace "$ns"
}
crashes() {
	local size=2X number before
	before=$(uids shop)
	for number in 1 3 5 7 8; do
		killed_after $number $size && eventually says "$size " memories shop && settled && is "" paused shop-worker &&
			is 1 sets shop && is "$before" uids shop && in_sync shop || return
		if [[ $size == 2X ]]; then size=1X; else size=2X; fi
	done
}
check "a controller that is killed in between is carried on from where it was" crashes

# --- by a rollout --------------------------------------------------------

check "size and image in one edit are a rollout" eval 'shop 1X && settled && shop 2X v2 && eventually is 2 sets shop'
check "why is said" eventually says "something besides cpu and memory changes" events shop RollingUpdate
check "the condition says so while it lasts" eventually says "True RollingUpdate worker: from " condition_of shop
class() {
	one class && eventually is 1 updated class-worker && settled && resize class PX && eventually is 2 sets class &&
		eventually says "QoS class" events class RollingUpdate
}
check "1X to PX is a rollout, for the QoS class changes" class
refuses() {
	one refused && eventually is 1 updated refused-worker && run_pods refused worker && settled && resize refused 2X &&
		eventually is 2 sets refused && eventually says "by a rollout: json-patch pods" events refused RollingUpdate &&
		eventually is "" paused refused-worker
}
check "what the API server refuses is a rollout, in its own words" refuses
person() {
	one person && eventually is 1 updated person-worker && settled && k rollout pause deployment/person-worker && settled &&
		resize person 2X && eventually is Paused reason person worker && settled && is "1X 512Mi" memories person &&
		is true paused person-worker && k rollout resume deployment/person-worker && eventually is 2 sets person
}
check "a Deployment that a person has paused stays so, and its dynos are not resized" person
counted() { at_least 1 metric 'formation_resizes_total{way="rollout"}'; }
check "the metrics count it" counted
kubectl delete dynosize "own-$$" >/dev/null
