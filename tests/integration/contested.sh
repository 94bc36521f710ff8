#!/usr/bin/env bash
# Who scales a singleton up is named, and not fought: by kubectl, by another controller, by a HorizontalPodAutoscaler
# that is older than the policies which refuse it (they are not installed here).
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api && new_controller_user || exit 1
new_namespace contested
node=contested-$$
end_contested() {
	k delete hpa --all >/dev/null 2>&1
	kubectl delete node "$node" --wait=false >/dev/null 2>&1
	k delete pods --all --force --grace-period=0 >/dev/null 2>&1
	end_controller_user
}
trap 'status=$?; end_contested; (exit $status); finish_tests' EXIT
kubectl create -f - >/dev/null <<END
{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "$node"}, "spec": {"unschedulable": true}}
END
check "the controller is ready" run_controller --namespace "$ns"
((failures == 0)) || exit 1

events() { k get events.events.k8s.io -o json | jq -r --arg reason "$1" '.items[] | select(.reason == $reason) | .type + " " + .regarding.name + " " + .note'; }
lists() { audit "$controller_user" '^list$' | grep -c horizontalpodautoscalers; }
# A scheduler and a kubelet for the one that is let run
runs() {
	local pod
	pod=$(k get pods -l "dyno.dev/formation=$1,dyno.dev/type=clock" -o json | jq -r '[.items[] | select(.spec.schedulingGates | not)][0].metadata.name') &&
		kubectl create --raw "/api/v1/namespaces/$ns/pods/$pod/binding" -f - >/dev/null <<-END && set_pod "$pod" "$running_status"
		{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "$pod"}, "target": {"apiVersion": "v1", "kind": "Node", "name": "$node"}}
		END
}
clock() {
	formation "$1" <<'END' && eventually runs "$1" && eventually is Running reason "$1" clock
  image: example.test/clock:v1
  processes: [{type: clock}, {type: worker, quantity: 1}]
END
}
corrected() { becomes 1 '{.spec.replicas}' get deployment "$1-clock"; }

check "a clock runs" clock shop
check "of whose autoscalers nobody has asked" is 0 lists

by_kubectl() { k scale deployment shop-clock --replicas 3 && eventually says 'Warning shop clock: Deployment shop-clock was scaled up by field manager "kubectl"' events Contested && corrected shop; }
check "who scales it by hand is named, and it is set back" by_kubectl
check "the process says so" eventually is Contested reason shop clock
check "with the name" says 'scaled up by field manager "kubectl", and is set back: a singleton never runs more than one dyno' message shop clock
check "it cost one list of autoscalers" is 1 lists
ready_all_the_same() { run_pods shop worker && eventually is True condition shop Ready && is Contested reason shop clock; }
check "as one dyno runs, it is Ready all the same" ready_all_the_same
by_another() {
	k apply --server-side --field-manager other-operator --force-conflicts -f - <<-END && eventually says 'scaled up by field manager "other-operator"' events Contested && corrected shop
		{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop-clock"}, "spec": {"replicas": 2}}
	END
}
check "another controller is named" by_another
check "the worker may be scaled, nobody asks why" eval 'k scale deployment shop-worker --replicas 4 && becomes 1 "{.spec.replicas}" get deployment shop-worker && is 2 lists'
fights() {
	local round
	for round in {1..9}; do
		k scale deployment shop-clock --replicas 3 >/dev/null && deadline_s=3 becomes 1 '{.spec.replicas}' get deployment shop-clock || break
	done
	echo "corrected $((round - 1)) times at once"
	((round < 9)) && eventually is Contested reason shop clock && stays 1 is 1 eval "k get pods -l dyno.dev/type=clock -o json | jq '[.items[] | select(.metadata.labels[\"dyno.dev/formation\"] == \"shop\" and (.spec.schedulingGates | not))] | length'"
}
check "who goes on is fought ever more seldom, and one dyno runs" fights

# Without metrics an autoscaler still sees to its minimum.
clock auto >/dev/null
autoscaled() {
	k create -f - >/dev/null <<-'END'
		apiVersion: autoscaling/v2
		kind: HorizontalPodAutoscaler
		metadata: {name: older}
		spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: auto-clock}, minReplicas: 2, maxReplicas: 3}
	END
	eventually says 'Warning auto clock: Deployment auto-clock was scaled up by field manager "kube-controller-manager"' events Contested &&
		says 'HorizontalPodAutoscaler older scales it; to end this: kubectl delete hpa older' events Contested && corrected auto
}
check "an autoscaler is named, with what ends it" autoscaled
check "in the status, too" eventually says 'kubectl delete hpa older' message auto clock
version=$(value '{.metadata.generation}{.spec.minReplicas}{.spec.maxReplicas}' get hpa older)
check "and it isn't touched" is "$version" value '{.metadata.generation}{.spec.minReplicas}{.spec.maxReplicas}' get hpa older
untouched() { is "" eval "writes | grep horizontalpodautoscalers"; }
check "by no write of ours" untouched
check "nothing was refused" fails grep -qi 'cannot list resource' "$work/controller.log"
