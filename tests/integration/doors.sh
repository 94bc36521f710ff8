#!/usr/bin/env bash
# The policies that keep a singleton at one dyno, on the control plane of $KUBECONFIG: each door refuses with its
# message, and whatever is none of its business passes. Installs, and uninstalls at the end.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. tests/controller.sh
new_namespace doors

policies() { kubectl get validatingadmissionpolicies -l app.kubernetes.io/part-of=formation -o name | wc -l; }
no_policies() {
	kubectl delete validatingadmissionpolicybindings,validatingadmissionpolicies \
		-l app.kubernetes.io/part-of=formation --ignore-not-found >/dev/null
}
end_doors() {
	local status=$?
	no_policies
	kubectl -n "$ns" get pods -o name 2>/dev/null | xargs -r kubectl -n "$ns" patch --type merge \
		-p '{"metadata":{"finalizers":null}}' >/dev/null
	end_controller_user
	(exit "$status")
	finish_tests
}
trap end_doors EXIT

# deployment NAME SINGLETON REPLICAS [STRATEGY [GATES]]: its manifest; the name is FORMATION-TYPE
deployment() {
	local label='' gates='[{name: dyno.dev/singleton}]'
	[[ -z ${5:-} ]] || gates=$5
	[[ $2 == true ]] && label=', dyno.dev/singleton: "true"'
	cat <<-EOF
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: $1, labels: {dyno.dev/formation: ${1%-*}, dyno.dev/type: ${1##*-}}}
		spec:
		  replicas: $3
		  strategy: {type: ${4:-Recreate}}
		  selector: {matchLabels: {dyno.dev/formation: ${1%-*}, dyno.dev/type: ${1##*-}$label}}
		  template:
		    metadata: {labels: {dyno.dev/formation: ${1%-*}, dyno.dev/type: ${1##*-}$label}}
		    spec:
		      schedulingGates: $gates
		      containers: [{name: dyno, image: i}]
	EOF
}
create() { deployment "$@" | k create -f - >/dev/null; }
create_refused() { deployment "${@:2}" >"$work/d.yaml" && refused "$1" k create -f "$work/d.yaml"; }
patch_refused() { refused "$1" k patch "$2" --type merge -p "$3"; }
patched() { k patch "$1" --type merge -p "$2"; }

# hpa NAME TARGET MAX [VERSION]: its manifest
hpa() {
	printf 'apiVersion: autoscaling/%s\nkind: HorizontalPodAutoscaler\nmetadata: {name: %s}\nspec:\n' "${4:-v2}" "$1"
	printf '  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}\n  maxReplicas: %s\n' "$2" "$3"
}
hpa_created() { hpa "$@" | k create -f -; }
hpa_refused() { hpa "${@:2}" >"$work/hpa.yaml" && refused "$1" k create -f "$work/hpa.yaml"; }

# --- before there are policies: what is older than they are

install_api || exit 1
check "an older Deployment of a singleton has three replicas" create old-clock true 3 RollingUpdate '[]'
check "another one too" create older-clock true 3 RollingUpdate '[]'
check "and one whose Formation nobody made" create older-mailer true 1 Recreate '[]'
formation shop <<-EOF
	  image: i
	  processes:
	  - {type: web, quantity: 1}
	  - {type: clock, quantity: 1}
	  - {type: mailer, singleton: true}
	  - {type: scheduler, singleton: false}
EOF

# --- installing

check "it installs" hack/install
check "it installs again, and nothing changes" hack/install
check "there are six policies" is 6 policies
checked() { # the API server has looked at the expressions of all, and has no warning
	is 6 eval 'kubectl get validatingadmissionpolicies -l app.kubernetes.io/part-of=formation -o json |
		jq "[.items[] | select(.status.typeChecking == {})] | length"'
}
check "their expressions have no type error" eventually checked
enforced() { refused 'never runs more than one' k scale deployment old-clock --replicas 9; }
gate_enforced() { create_refused 'without the gate' probe-clock true 1 Recreate '[]'; }
hpa_enforced() { refused 'never runs more than one' k create --dry-run=server -f "$work/probe.yaml"; }
hpa probe shop-clock 3 >"$work/probe.yaml"
check "and are enforced" eventually enforced
check "at the Deployment" eventually gate_enforced
check "and at the autoscaler" eventually hpa_enforced

# --- deployments/scale

a_second='a second one would do all its work twice'
check "a singleton's Deployment is created" create shop-clock true 1
scale() { k scale deployment "$1" --replicas "$2"; }
scale_refused() {
	refused "spec.replicas: $1 is a singleton and never runs more than one dyno: $a_second. Scale it to 0 or 1, or say" scale "$@"
}
check "kubectl scale to 2 is refused, with the reason and what to do" scale_refused shop-clock 2
check "to 0 it passes" scale shop-clock 0
check "from 0 to 2 it is refused" scale_refused shop-clock 2
check "from 0 to 1 it passes" scale shop-clock 1
check "an older one of 3 isn't scaled to 4" scale_refused old-clock 4
check "but down to 2, which is fewer" scale old-clock 2
check "and not back to 3" scale_refused old-clock 3

# --- deployments

check "replicas: 2 by an edit is refused" patch_refused \
	"spec.replicas: shop-clock is a singleton and never runs more than one dyno: $a_second" deployment/shop-clock \
	'{"spec":{"replicas":2}}'
check "replicas: 2 at creation too" create_refused 'spec.replicas: shop-mailer is a singleton' shop-mailer true 2
check "another strategy is refused" patch_refused 'spec.strategy.type: shop-clock is a singleton and has the strategy Recreate' \
	deployment/shop-clock '{"spec":{"strategy":{"type":"RollingUpdate"}}}'
check "the gate taken out is refused" patch_refused \
	'spec.template.spec.schedulingGates: shop-clock is a singleton, and without the gate dyno.dev/singleton' \
	deployment/shop-clock '{"spec":{"template":{"spec":{"schedulingGates":null}}}}'
check "the label taken out of the selector is refused, as a selector never changes" patch_refused 'field is immutable' \
	deployment/shop-clock '{"spec":{"selector":{"matchLabels":{"dyno.dev/singleton":null}}}}'
check "a new image passes" patched deployment/shop-clock \
	'{"spec":{"template":{"spec":{"containers":[{"name":"dyno","image":"j"}]}}}}'
check "an older one without a gate takes an annotation" patched deployment/old-clock '{"metadata":{"annotations":{"a":"b"}}}'
check "and one replica" patched deployment/old-clock '{"spec":{"replicas":1}}'
check "and the gate" patched deployment/old-clock \
	'{"spec":{"template":{"spec":{"schedulingGates":[{"name":"dyno.dev/singleton"}]}}}}'
check "and may not lose it again" patch_refused 'without the gate' deployment/old-clock \
	'{"spec":{"template":{"spec":{"schedulingGates":null}}}}'
gone() { refused NotFound k get "$1"; }
check "an older one of 3 is deleted in the foreground" k delete deployment older-clock --cascade=foreground --timeout=60s
check "and gone" gone deployment/older-clock

check "a grace period of 0 is refused" patch_refused \
	'spec.template.spec.terminationGracePeriodSeconds: shop-clock is a singleton, and a pod with a grace period of 0 is gone' \
	deployment/shop-clock '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":0}}}}'
check "one of 1 passes" patched deployment/shop-clock '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":1}}}}'

# --- ReplicaSets, and pods by hand

replicaset() { value '{.items[?(@.spec.replicas==1)].metadata.name}' get replicasets -l "dyno.dev/formation=$1,dyno.dev/type=$2"; }
has_replicaset() { [[ $(replicaset "$@") == "$1-$2-"* ]]; }
check "the clock has a ReplicaSet" eventually has_replicaset shop clock
rs=replicaset/$(replicaset shop clock)
check "the gate taken out of its ReplicaSet is refused" patch_refused "spec.template.spec.schedulingGates: ${rs#*/} is of a singleton" \
	"$rs" '{"spec":{"template":{"spec":{"schedulingGates":null}}}}'
check "another change of it passes" patched "$rs" '{"metadata":{"annotations":{"a":"b"}},"spec":{"template":{"spec":{"terminationGracePeriodSeconds":2}}}}'
# pod NAME LABEL SPEC [ANNOTATIONS]: its manifest
pod() {
	printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s, labels: {dyno.dev/singleton: "%s"}, annotations: {%s}}\n' "$1" "$2" "${4:-}"
	printf 'spec: {%s, containers: [{name: dyno, image: i}]}\n' "$3"
}
pod_created() { pod "$@" | k create -f -; }
pod_refused() { pod "${@:2}" >"$work/pod.yaml" && refused "$1" k create -f "$work/pod.yaml"; }
gated='schedulingGates: [{name: dyno.dev/singleton}]'
check "a pod of a singleton without the gate is refused" pod_refused \
	'spec.schedulingGates: this pod has the label dyno.dev/singleton, and without the gate' hand true 'schedulingGates: [{name: other}]'
check "and one with a grace period of 0" pod_refused 'spec.terminationGracePeriodSeconds: with 0 this pod of a singleton' hand true \
	"$gated, terminationGracePeriodSeconds: 0"
check "one with the gate passes" pod_created hand-gated true "$gated"
check "so does a pod that is none of a singleton's" pod_created hand-other false 'terminationGracePeriodSeconds: 0'
check "and a mirror pod, which shows what runs already" pod_created hand-mirror true 'nodeName: far' 'kubernetes.io/config.mirror: "1"'
k delete pod hand-gated hand-other hand-mirror --force --grace-period=0 >/dev/null 2>&1
ungated_replicas() { says 'singleton-pod.dyno.dev' value '{.status.conditions[?(@.type=="ReplicaFailure")].message}' get deployment older-mailer; }
check "an older Deployment without the gate says why it makes no more pods" eval 'k delete pods -l dyno.dev/type=mailer --force --grace-period=0 >/dev/null 2>&1; eventually ungated_replicas'
k delete deployment older-mailer >/dev/null

# --- other Deployments

check "a Deployment that is no singleton may have 5 replicas" create shop-web false 5 RollingUpdate '[]'
check "and be scaled to 7" scale shop-web 7
check "and change its strategy" patched deployment/shop-web '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}'
check "one without any label of ours too" k create deployment plain --image i --replicas 3

# --- autoscalers

autoscaled="is a singleton of Formation shop and never runs more than one dyno: $a_second. Remove this autoscaler"
check "an autoscaler of a clock is refused" hpa_refused "spec.maxReplicas: shop-clock $autoscaled" a shop-clock 3
check "in version 1 too" hpa_refused "spec.maxReplicas: shop-clock $autoscaled" a shop-clock 3 v1
check "of a type that says singleton: true too" hpa_refused "spec.maxReplicas: shop-mailer $autoscaled" a shop-mailer 2
check "a maximum of 1 passes" hpa_created a shop-clock 1
check "and isn't raised to 2" patch_refused "spec.maxReplicas: shop-clock" hpa/a '{"spec":{"maxReplicas":2}}'
check "an autoscaler of web passes" hpa_created b shop-web 5
check "and isn't turned to the clock" patch_refused "spec.maxReplicas: shop-clock" hpa/b \
	'{"spec":{"scaleTargetRef":{"name":"shop-clock"}}}'
check "a scheduler that says singleton: false passes" hpa_created c shop-scheduler 5
check "an autoscaler of some other Deployment passes" hpa_created d plain 5
other_namespace() {
	kubectl create namespace "$ns-b" && namespaces+=("$ns-b") && hpa e shop-clock 3 | kubectl -n "$ns-b" create -f -
}
check "and one in a namespace without Formations" other_namespace

# --- gates of pods

gated_pods() { k get pods -l "dyno.dev/formation=$1,dyno.dev/type=$2" -o \
	'jsonpath={range .items[?(@.spec.schedulingGates[0].name=="dyno.dev/singleton")]}{.metadata.name}{"\n"}{end}'; }
one_gated() { is 1 eval "gated_pods $1 $2 | wc -l"; }
open_gate='[{"op": "remove", "path": "/spec/schedulingGates"}]'
check "the clock's pod is gated" eventually one_gated shop clock
editor=editor-$$
editor_kubeconfig=$(hack/cluster/user --name "$CLUSTER_NAME" "$editor" | tail -n 1)
k create rolebinding editor --clusterrole edit --user "$editor" >/dev/null
as_editor() { kubectl --kubeconfig "$editor_kubeconfig" -n "$ns" "$@"; }
pod=$(gated_pods shop clock)
check "who may edit pods doesn't open the gate" refused 'waits until the dyno before it is gone' \
	as_editor patch pod "$pod" --type json -p "$open_gate"
check "and may label the pod" as_editor label pod "$pod" a=b
check "and delete it" as_editor delete pod "$pod" --wait=false
check "an administrator opens the gate of the next, on purpose" eventually one_gated shop clock
check "which passes" k patch pod "$(gated_pods shop clock)" --type json -p "$open_gate"
k delete deployment shop-clock shop-web old-clock >/dev/null

# --- the controller itself

new_controller_user || exit 1
check "the controller runs with the policies" run_controller --namespace "$ns"
check "and makes the singleton's Deployment" becomes Recreate '{.spec.strategy.type}' get deployment shop-clock
check "with its selector" becomes true '{.spec.selector.matchLabels.dyno\.dev/singleton}' get deployment shop-clock
opened() { k get pods -l dyno.dev/formation=shop,dyno.dev/type=clock -o json | jq -e --arg image "$1" \
	'.items | length == 1 and (.[0].spec | .containers[0].image == $image and (.schedulingGates // [] | length == 0))'; }
check "and opens the gate of its pod" eventually opened i
check "which nobody refuses" fails grep -q 'ValidatingAdmissionPolicy' "$work/controller.log"
check "a new image rolls out" edit shop '[{"op": "replace", "path": "/spec/image", "value": "k"}]'
check "past the policies" eventually opened k
stop_controller

# --- without the CRD's kind nothing is refused

kind_missing() {
	sed 's/kind: Formation$/kind: Missing/' deploy/base/policies/autoscaler.yaml | kubectl apply --server-side --force-conflicts -f - &&
		eventually hpa_created f shop-clock 3
}
check "while the parameters' kind is missing no autoscaler is refused" kind_missing

# --- uninstalling

before=$(value '{.items[0].metadata.name}' get pods -l dyno.dev/formation=shop,dyno.dev/type=clock)
k patch pod "$before" --type merge -p '{"metadata":{"finalizers":["dyno.dev/test"]}}' >/dev/null
create waiting-clock true 1
check "one waits for its gate" eventually one_gated waiting clock
check "uninstalling ends well" env RELEASE_WAIT=20 hack/uninstall
check "no policy is left" is 0 policies
check "the pod that ran goes on" is "" value '{.metadata.deletionTimestamp}' get pod "$before"
check "its Deployment has no gate any more" is "" value '{.spec.template.spec.schedulingGates}' get deployment shop-clock
check "and isn't paused" is "" value '{.spec.paused}' get deployment shop-clock
check "and made no second ReplicaSet for it" is 1 eval \
	'k get rs -l dyno.dev/formation=shop,dyno.dev/type=clock -o json | jq "[.items[] | select(.spec.replicas == 1)] | length"'
check "the one that waited may run" is "" eval 'gated_pods waiting clock'
two_pods() { is 2 eval 'k get pods -l dyno.dev/formation=shop,dyno.dev/type=clock -o name | wc -l'; }
check "a dyno that is deleted later" k delete pod "$before" --wait=false
check "has a replacement without a gate" eventually two_pods
check "really without" is "" eval 'gated_pods shop clock'
# Here the replacement is beside the one that ends: without the controller a Deployment promises no more than that.
check "a Formation is still there" k get formation shop
