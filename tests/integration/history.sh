#!/usr/bin/env bash
# Who changed a formation, as the log, the events and status.history tell it.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api || exit 1
new_controller_user || exit 1
new_namespace history
trap 'status=$?; kubectl delete -k deploy/actor >/dev/null 2>&1; end_controller_user; (exit $status); finish_tests' EXIT
as() { # USER ARGUMENTS…: kubectl as a person with a client certificate
	local user=$1
	shift
	kubectl --kubeconfig "$work/$user" -n "$ns" "$@"
}
for user in adam@example.com eve grace; do
	cp "$(hack/cluster/user --name "$CLUSTER_NAME" "$user" | tail -n 1)" "$work/$user" || exit 1
	k create rolebinding "${user%@*}" --clusterrole cluster-admin --user "$user" >/dev/null || exit 1
done
manifest() { # NAME WEB WORKER [SIZE [IMAGE]]
	cat <<END
apiVersion: dyno.dev/v1
kind: Formation
metadata: {name: $1}
spec:
  image: ${5:-app:v1}
  processes: [{type: web, quantity: $2, size: ${4:-1X}}, {type: worker, quantity: $3}, {type: batch}]
END
}
last() { k get formation "$1" -o json | jq -c '.status.history[-1] | [.id, .by, .verified, .from, .changes, .message // ""]'; }
entries() { k get formation "$1" -o json | jq '.status.history | length'; }
logged() { grep -F " $ns/$1: " "$work/controller.log" | grep -F "INFO" | sed 's/^[^:]*:[^:]*:[^ ]* *INFO *[^ ]* //' | grep -cFx -- "$2"; }
event() { k get events.events.k8s.io -o json | jq -r --arg name "$1" --arg reason "$2" '[.items[] | select(.regarding.name == $name and .reason == $reason) | .note] | join("|")'; }

# --- without the policy ------------------------------------------------------

check "the controller is ready" run_controller --namespace "$ns"
manifest plain 1 0 | as adam@example.com apply -f - >/dev/null
created() { is '[1,"kubectl-client-side-apply",false,"kubectl",["Deploy app:v1","Scale to web=1, worker=0, batch=1"],""]' last plain; }
check "without the policy the field manager stands in, unverified" eventually created
claimed() {
	as eve patch formation plain --type merge -p '{"metadata":{"annotations":{"dyno.dev/changed-by":"adam@example.com","dyno.dev/message":"why"}},"spec":{"image":"app:v2"}}' >/dev/null &&
		eventually is '[2,"kubectl-patch",false,"kubectl",["Deploy app:v2"],"why"]' last plain
}
check "and an annotation that anybody could write is not believed" claimed
check "the log says so" eventually is 1 logged plain 'Deploy app:v2 (kubectl-patch, unverified): "why"'
again() { as eve patch formation plain --type merge -p '{"spec":{"image":"app:v3"}}' >/dev/null && eventually is '[3,"kubectl-patch",false,"kubectl",["Deploy app:v3"],""]' last plain; }
check "a message counts once" again

# --- with it -------------------------------------------------------------------

kubectl apply --server-side -k deploy/actor >/dev/null || exit 1
kubectl create clusterrolebinding "$controller_user-actor" --clusterrole formation-controller-actor --user "$controller_user" >/dev/null || exit 1
probed() { manifest probe 1 1 | as grace create --dry-run=server -o json -f - | jq -r '.metadata.annotations["dyno.dev/changed-by"]'; }
check "the policy is in force" eventually is grace probed
check "the controller notices at its start" restart_controller --namespace "$ns"
manifest shop 1 0 | as adam@example.com apply -f - >/dev/null
check "who applied is named" eventually is '[1,"adam@example.com",true,"kubectl",["Deploy app:v1","Scale to web=1, worker=0, batch=1"],""]' last shop
manifest shop 2 1 | as grace apply -f - >/dev/null
check "who scaled is named" eventually is '[2,"grace",true,"kubectl",["Scale to web=2, worker=1, batch=1"],""]' last shop
check "by one line in the log with the full formation" eventually is 1 logged shop "Scale to web=2, worker=1, batch=1 by grace"
check "by an event on the Formation" eventually says "Scale to web=2, worker=1, batch=1 by grace" event shop Scaled
manifest shop 2 1 2X | as eve apply --server-side --force-conflicts --field-manager kustomize-controller -f - >/dev/null
check "a GitOps tool's change is from there" eventually is '[3,"eve",true,"gitops",["Resize to web=2:2X, worker=1, batch=1"],""]' last shop
check "with its own event" eventually says "Resize to web=2:2X, worker=1, batch=1 by eve" event shop Resized
manifest shop 2 1 2X app:v2 | as eve apply --server-side --force-conflicts --field-manager kustomize-controller -f - >/dev/null
check "a deploy" eventually is '[4,"eve",true,"gitops",["Deploy app:v2"],""]' last shop
as grace annotate formation shop dyno.dev/restarted-at=2026-11-23T10:00:00Z dyno.dev/message=$'leaks\n2026-11-23T10:00:00.000Z INFO default/shop: forged' >/dev/null
check "a restart, with why" eventually is '[5,"grace",true,"kubectl",["Restart"],"leaks\\n2026-11-23T10:00:00.000Z INFO default/shop: forged"]' last shop
check "a message forges no line of the log" fails grep -q '^2026-11-23T10:00:00.000Z' "$work/controller.log"
as adam@example.com patch formation shop --type merge -p '{"spec":{"paused":true}}' >/dev/null
check "a pause" eventually is '[6,"adam@example.com",true,"kubectl",["Pause"],""]' last shop
as grace patch formation shop --type merge -p '{"spec":{"paused":false}}' >/dev/null
check "and its end" eventually is '[7,"grace",true,"kubectl",["Resume"],""]' last shop
check "said in events" eventually says "Resume by grace" event shop Resumed
check "the Deployment of a type without a quantity" eventually is 1 value '{.spec.replicas}' get deployment shop-batch
as eve scale deployment shop-batch --replicas 3 >/dev/null
check "kubectl scale of it is a change, by whom the API server noted nowhere" eventually is '[8,"unknown",false,"other",["Scale to web=2:2X, worker=1, batch=3"],""]' last shop
formation given <<'END'
  image: app:v1
  processes: [{type: batch, quantity: 1}]
END
check "a type with a quantity" eventually is 1 entries given
edit given '[{"op":"remove","path":"/spec/processes/0/quantity"}]'
check "that gives it away" eventually is '["Change settings"]' eval "last given | jq -c '.[4]'"
check "replicas are handed over" eventually says formation-controller-handover k get deployment given-batch -o yaml --show-managed-fields
as eve scale deployment given-batch --replicas 3 >/dev/null
check "kubectl scale of that is named by its field manager" eventually is '[3,"kubectl",false,"kubectl",["Scale to batch=3"],""]' last given
check "marked as unverified" eventually is 1 logged given "Scale to batch=3 (kubectl, unverified)"
k autoscale deployment given-batch --min 4 --max 5 --cpu=50% >/dev/null
check "an autoscaler's change is from there" eventually is '[4,"kube-controller-manager",false,"autoscaler",["Scale to batch=4"],""]' last given
chain() { k get formation shop -o json | jq -r '.status.history as $h | [range(1; $h | length) | $h[.].before == $h[. - 1].formation] | all'; }
check "every entry begins where the one before it ended" is true chain

# --- beside a permit -------------------------------------------------------------

# The gate's write of a permit and an entry of the history are applies of one field manager.
clocked() { printf '{"apiVersion":"dyno.dev/v1","kind":"Formation","metadata":{"name":"clocked"},"spec":{"image":"app:%s","processes":[{"type":"clock"}]}}' "$1" | as grace apply -f - >/dev/null; }
permit() { k get formation clocked -o json | jq -r '.status.processes[0].permit.uid // empty'; }
clocked v1
check "a singleton's permit is put on record" eventually says - permit
check "and takes no entry away" eventually is '[1,"grace",true,"kubectl",["Deploy app:v1","Scale to clock=1"],""]' last clocked
check "nor what was recorded" is "clock=1:1X 1" value '{.status.recorded.formation} {.status.recorded.changes}' get formation clocked
first_permit=$(permit)
as grace patch formation clocked --type merge -p '{"spec":{"paused":true}}' >/dev/null
check "an entry" eventually is '[2,"grace",true,"kubectl",["Pause"],""]' last clocked
check "takes no permit away" is "$first_permit" permit
k delete pods -l dyno.dev/formation=clocked --force --grace-period=0 >/dev/null 2>&1
another_permit() { local now; now=$(permit) && [[ -n $now && $now != "$first_permit" ]]; }
check "the next permit" eventually another_permit
check "leaves both entries" is 2 entries clocked

# --- what is no change, and crashes --------------------------------------------

quiet() { settled && local before=$(entries shop) && as eve label formation shop a=b >/dev/null && stays 1 is "$before" entries shop; }
check "a label is no change" quiet
restarted() { settled && local before=$(last shop) && restart_controller --namespace "$ns" && settled && is "$before" last shop; }
check "a restart of the controller tells nothing again" restarted
while_down() {
	stop_controller KILL
	manifest shop 3 1 2X app:v2 | as adam@example.com apply --server-side --force-conflicts -f - >/dev/null
	manifest shop 4 1 2X app:v2 | as grace apply --server-side --force-conflicts -f - >/dev/null
	run_controller --namespace "$ns" && eventually is '[9,"grace",true,"kubectl",["Scale to web=4:2X, worker=1, batch=3"],""]' last shop
}
check "changes that nobody saw are one entry, by the last" while_down
many() {
	local i
	for i in {5..24}; do
		as adam@example.com patch formation shop --type json -p "[{\"op\":\"replace\",\"path\":\"/spec/processes/0/quantity\",\"value\":$i}]" >/dev/null &&
			eventually is "web=$i:2X worker=1:1X batch=3:1X" value '{.status.history[-1:].formation}' get formation shop || return
	done
	is 20 entries shop && is 29 value '{.status.history[-1:].id}' get formation shop
}
check "the oldest entries go at the bound" many
check "the controller logged no error" fails grep -E ' (ERROR|WARN) ' "$work/controller.log"
