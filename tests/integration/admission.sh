#!/usr/bin/env bash
# What the API server takes and refuses by the CRDs alone, on the cluster of $KUBECONFIG; no controller has to run.
# The cases are the files of admission/: a sentence that names the test, then "accepted", or "refused: TEXT" for each
# error expected. A refusal passes when every TEXT stands in an error and every error has its TEXT.
# Installs crds/ and the sizes and roles of deploy/base, which it leaves; everything else is in a namespace of its own.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
kubectl=${KUBECTL:-kubectl}
: "${KUBECONFIG:?names the kubeconfig of a test cluster}"
ns=admission-$$
old=old-$$.dyno.dev               # the API group of the CRDs' copy that plays an older version
work=$(mktemp -d)
passed=0 failed=0 skipped=0

k() { "$kubectl" "$@"; }
kn() { k -n "$ns" "$@"; }

cleanup() {
	{
		k delete namespace "$ns" --wait=false
		k delete crd "formations.$old" --wait=false
		k delete dynosize "$ns" --wait=false
		k delete clusterrolebinding "$ns"
	} >"$work/cleanup" 2>&1
	rm -rf "$work"
}
trap cleanup EXIT

# test SENTENCE: the commands before it have left their verdict in $? and what they saw in $work/out.
test_is() {
	local rc=$? name=$1
	if ((rc == 0)); then
		passed=$((passed + 1)) && echo "ok $((passed + failed)) - $name"
	else
		failed=$((failed + 1)) && echo "not ok $((passed + failed)) - $name"
		sed 's/^/# /' "$work/out"
	fi
}

# same WANT GOT: both equal, else both are shown.
same() {
	[[ $1 == "$2" ]] && return
	printf 'want: %s\ngot:  %s\n' "$1" "$2" >"$work/out"
	return 1
}

# says TEXT COMMAND…: the command fails, and an error has the text.
says() {
	local text=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		echo "accepted, but should have failed with: $text" >>"$work/out"
		return 1
	fi
	grep -qF -- "$text" "$work/out" || { echo "expected: $text" >>"$work/out" && return 1; }
}

run() { "$@" >"$work/out" 2>&1; }

# errors_of FILE: kubectl's message as one error a line, without what is the same in all.
errors_of() {
	sed -e 's/^The [A-Za-z]* "[^"]*" is invalid: *//' -e 's/^\* //' -e '/^$/d' \
		-e 's/^\(Error from server (BadRequest)\): .* cannot be handled as .*: strict decoding error: //' "$1" |
		sed -e 's/Invalid value: "[^"]*": \(must\|name\|the name\|process type\)/Invalid value: \1/' \
			-e '/some validation rules were not checked because the object was invalid/d'
}

# case FILE: one file of admission/.
one_case() {
	local file=$1 want=()
	mapfile -t want < <(sed -n 's/^# refused: //p' "$file")
	if ((${#want[@]} == 0)); then
		run kn create --dry-run=server -f "$file"
		return
	fi
	if kn create --dry-run=server -f "$file" >"$work/out" 2>"$work/err"; then
		echo "accepted, but should be refused: ${want[0]}" >"$work/out"
		return 1
	fi
	errors_of "$work/err" >"$work/out"
	local text line ok=0 found
	for text in "${want[@]}"; do
		grep -qF -- "$text" "$work/out" || { echo "missing: $text" >>"$work/out" && ok=1; }
	done
	while IFS= read -r line; do
		found=
		for text in "${want[@]}"; do [[ $line == *"$text"* ]] && found=1; done
		[[ $found || $line == missing:* ]] || { echo "not expected: $line" >>"$work/out" && ok=1; }
	done < <(cat "$work/out")
	return $ok
}

crds_are_accepted() {
	run k apply --server-side -f "$root/crds/"
	test_is "the CRDs are applied"
	run k wait --for=condition=Established --timeout=30s crd/formations.dyno.dev crd/dynosizes.dyno.dev
	test_is "the CRDs become Established"
	local crd conditions
	for crd in formations dynosizes; do
		conditions=$(k get crd "$crd.dyno.dev" -o 'jsonpath={range .status.conditions[*]}{.type}={.status} {end}')
		same "NamesAccepted=True Established=True " "$conditions"
		test_is "the CRD of $crd has no condition but NamesAccepted and Established"
	done
	local before after
	before=$(k get crd formations.dyno.dev dynosizes.dyno.dev -o 'jsonpath={.items[*].metadata.resourceVersion}')
	run k apply --server-side -f "$root/crds/"
	after=$(k get crd formations.dyno.dev dynosizes.dyno.dev -o 'jsonpath={.items[*].metadata.resourceVersion}')
	same "$before" "$after"
	test_is "applying the CRDs again changes nothing"
	awk '/^ *properties:$/ { d = match($0, /[^ ]/) + 2; next }
			 d && match($0, /[^ ]/) == d && /^ *[A-Za-z]+:$/ && !/(metadata|name|generateName):$/ {
				 key = $1; getline; if ($1 != "description:") { print FILENAME ": " key " has no description"; bad = 1 } }
			 END { exit bad }' "$root"/crds/*.yaml >"$work/out"
	test_is "every field has a description"
	k get crd formations.dyno.dev -o 'jsonpath={..openAPIV3Schema.properties.spec.properties.env.items}' >"$work/env"
	k get crd formations.dyno.dev \
		-o 'jsonpath={..openAPIV3Schema.properties.spec.properties.processes.items.properties.env.items}' >"$work/env-process"
	[[ -s $work/env ]] && run cmp "$work/env" "$work/env-process"
	test_is "env is the same for the Formation and for a process"
}

explain_teaches() {
	local field text
	while IFS='|' read -r field text; do
		k explain "$field" >"$work/out" 2>&1 && tr -s ' \n' ' ' <"$work/out" | grep -qF -- "$text"
		test_is "kubectl explain $field teaches"
	done <<'END'
formation|A Formation is an app and its process formation
formation.spec.processes|as the lines of a Procfile
formation.spec.processes.quantity|How many dynos run, 0 to 1000; of a singleton at most 1.
formation.spec.processes.env.valueFrom.secretKeyRef.key|The key.
formation.status.processes.permit|the one pod that may run
dynosize.spec.memory|at least 16Mi
END
}

names_are_short() {
	run kn create -f "$here/admission/formation-default.yaml"
	test_is "a default formation is stored"
	same "formation.dyno.dev/shop" "$(kn get fm -o name)"
	test_is "fm is short for formations"
	run k get dsize
	test_is "dsize is short for dynosizes"
	same "formation.dyno.dev/shop" "$(kn get all -o name | grep dyno.dev)"
	test_is "formations are in the category all"
	same "" "$(kn get fm shop -o 'jsonpath={.spec.processes}')"
	test_is "processes has no default"
}

columns_show_status() {
	run kn patch fm shop --subresource=status --type=merge -p '{"status": {"observedGeneration": 1,
		"formation": "web=2:2X clock=1:1X", "ready": "2/3",
		"processes": [{"type": "web", "size": "2X", "desired": 2, "running": 2, "ready": 2, "updated": 2,
				"singleton": false, "reason": "Running", "message": ""},
			{"type": "clock", "size": "1X", "desired": 1, "running": 1, "ready": 0, "updated": 1, "singleton": true,
				"reason": "CrashLoopBackOff", "message": "exit code 1", "permit": {"pod": "shop-clock-1", "uid": "123"}}],
		"conditions": [{"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "", "observedGeneration": 1,
			"lastTransitionTime": "2026-01-01T00:00:00Z"}]}}'
	test_is "the status of the contract is accepted by the status subresource"
	same "1 2X 2 2 2 2 false Running clock-1" "$(kn get fm shop -o 'jsonpath={.status.observedGeneration}{range
		.status.processes[0]} {.size} {.desired} {.running} {.ready} {.updated} {.singleton} {.reason}{end}{" "}{
		.status.processes[1].type}-{.status.processes[1].desired}')"
	test_is "every field of a process's status is kept"
	same "shop-clock-1 123" "$(kn get fm shop -o 'jsonpath={.status.processes[1].permit.pod} {.status.processes[1].permit.uid}')"
	test_is "the permit of a singleton is kept"
	same "NAME FORMATION READY STATUS AGE / shop web=2:2X clock=1:1X 2/3 Progressing" \
		"$(kn get fm | sed 's/ *[0-9]*s$//' | tr -s ' ' | paste -sd/ | sed 's,/, / ,')"
	test_is "kubectl get fm shows NAME, FORMATION, READY, STATUS and AGE"
	same "NAME FORMATION READY STATUS AGE IMAGE" "$(kn get fm -o wide | head -1 | tr -s ' ')"
	test_is "kubectl get fm -o wide adds IMAGE"
	run kn wait --for=jsonpath='{.status.ready}'=2/3 fm/shop --timeout=5s &&
		says "timed out" kn wait --for=condition=Ready fm/shop --timeout=1s
	test_is "kubectl wait reads the conditions"
	run kn patch fm shop --subresource=status --type=merge -p '{"spec": {"image": "other:v1"}}'
	same "app:v1" "$(kn get fm shop -o 'jsonpath={.spec.image}')"
	test_is "a status patch leaves the spec alone"
	run kn patch fm shop --type=merge -p '{"status": {"ready": "9/9"}}'
	same "2/3" "$(kn get fm shop -o 'jsonpath={.status.ready}')"
	test_is "an edit of the spec leaves the status alone"
	same "1" "$(kn get fm shop -o 'jsonpath={.metadata.generation}')"
	test_is "a status write is no new generation"
	says 'status.conditions[0].reason: Invalid value: ""' kn patch fm shop --subresource=status --type=json \
		-p '[{"op": "replace", "path": "/status/conditions/0/reason", "value": ""}]'
	test_is "a condition without a reason is refused"

	sed "s/name: m}/name: $ns}/" "$here/admission/size-minimal.yaml" >"$work/size.yaml"
	run k create -f "$work/size.yaml" &&
		run k patch dsize "$ns" --subresource=status --type=merge -p '{"status": {"dynos": 7}}' &&
		run k patch dsize "$ns" --type=merge -p '{"spec": {"dedicated": true}}'
	same "NAME MEMORY CPU DEDICATED DYNOS AGE / $ns 512Mi 100m true 7" \
		"$(k get dsize "$ns" | sed 's/ *[0-9]*s$//' | tr -s ' ' | paste -sd/ | sed 's,/, / ,')"
	test_is "kubectl get dynosizes shows MEMORY, CPU, DEDICATED, DYNOS and AGE"
}

# apply_as MANAGER SPEC: server-side apply of the Formation merged.
apply_as() {
	printf 'apiVersion: dyno.dev/v1\nkind: Formation\nmetadata: {name: merged}\nspec: %s\n' "$2" |
		run kn apply --server-side --field-manager="$1" -f -
}

merged() { kn get fm merged -o "jsonpath={$1}"; }

apply_merges_by_type() {
	apply_as one '{image: "app:v1", processes: [{type: web, command: serve, quantity: 2}], env: [{name: A, value: a}]}' &&
		apply_as two '{processes: [{type: worker, command: work}], env: [{name: B, value: b}]}'
	same "web worker" "$(merged '.spec.processes[*].type')"
	test_is "server-side apply merges processes of two managers by type"
	same "A B" "$(merged '.spec.env[*].name')"
	test_is "server-side apply merges env of two managers by name"
	apply_as two '{processes: [{type: web, size: 2X}, {type: worker, command: work}]}'
	same "serve 2 2X" "$(merged '.spec.processes[0].command} {.spec.processes[0].quantity} {.spec.processes[0].size')"
	test_is "a manager can own the size of another's process"
	same "A" "$(merged '.spec.env[*].name')"
	test_is "a variable goes when its only manager drops it"
	apply_as one '{image: "app:v1", processes: [{type: web, command: serve}], env: [{name: A, value: a}]}'
	same "" "$(merged '.spec.processes[0].quantity')"
	test_is "a quantity that its manager drops is left out, with no default in its place"
	apply_as one '{image: "app:v1", processes: [{type: mail, command: send}]}' && apply_as two '{processes: [{type: worker}]}'
	same "mail worker" "$(merged '.spec.processes[*].type' | tr ' ' '\n' | sort | paste -sd' ')"
	test_is "a process goes when its managers drop it"
	apply_as one '{image: "app:v1"}' && apply_as two '{}'
	same "" "$(merged '.spec.processes')"
	test_is "a Formation whose managers drop every process is the default formation again"
	says "spec.processes[0].quantity: Forbidden: process type clock is a singleton" \
		apply_as_out one '{image: "app:v1", processes: [{type: clock, quantity: 2}]}'
	test_is "server-side apply of a clock at 2 is refused"
	says ".spec.hostNetwork: field not declared in schema" apply_as_out one '{image: "app:v1", hostNetwork: true}'
	test_is "server-side apply of an unknown field is refused"
}

apply_as_out() { apply_as "$@" || { cat "$work/out" && return 1; }; }

edits_are_checked() {
	printf 'apiVersion: dyno.dev/v1\nkind: Formation\nmetadata: {name: edited}\nspec:\n  image: app:v1\n  processes:\n%s' \
		$'  - {type: web, quantity: 2}\n  - {type: clock, quantity: 1}\n' >"$work/edited.yaml"
	run kn create -f "$work/edited.yaml"
	test_is "a Formation with web and clock is stored"
	local at='[{"op": "replace", "path": "/spec/processes/1/quantity", "value": 2}]'
	says "spec.processes[1].quantity: Forbidden: process type clock is a singleton and never runs more than one dyno" \
		kn patch fm edited --type=json -p "$at"
	test_is "kubectl patch of a clock to 2 is refused"
	says "spec.processes[0].quantity: Forbidden: process type web is a singleton and never runs more than one dyno" \
		kn patch fm edited --type=json -p '[{"op": "add", "path": "/spec/processes/0/singleton", "value": true}]'
	test_is "a type at 2 cannot become a singleton"
	run kn patch fm edited --type=json -p "[{\"op\": \"add\", \"path\": \"/spec/processes/1/singleton\", \"value\": false},
		${at#[}"
	test_is "a clock that stops being a singleton may go to 2 in the same edit"
	says 'spec.processes: Invalid value: ' kn patch fm edited --type=json \
		-p '[{"op": "replace", "path": "/spec/processes/1/type", "value": "c23456789-123456789-123456789-123456789-123456789-123456"},
				 {"op": "remove", "path": "/spec/processes/1/quantity"}]'
	test_is "a type that is too long for the name is refused in an edit too"
	run kn create --validate=false -f "$here/admission/formation-privileged.yaml" 2>"$work/out"
	same "" "$(kn get fm shop -o 'jsonpath={.spec.securityContext.privileged}')"
	test_is "an unknown field is pruned for a client that is not strict"
}

# A copy of the CRD in a group of its own, first without its rules: what it let in has to stay usable under the rules.
older_objects_stay_usable() {
	local long=a23456789-123456789-123456789-123456789-123456789-123456789-
	long+=a
	sed "s/dyno\.dev/$old/; s/^    categories: .*//; s/shortNames: .*/shortNames: []/" "$root/crds/dyno.dev_formations.yaml" >"$work/new.yaml"
	sed -e '/^ *x-kubernetes-validations:$/,$!b' "$work/new.yaml" >/dev/null
	strip_rules <"$work/new.yaml" >"$work/old.yaml"
	run k apply --server-side -f "$work/old.yaml" &&
		run k wait --for=condition=Established --timeout=30s "crd/formations.$old"
	test_is "a CRD without the rules plays an older version"
	printf 'apiVersion: %s/v1\nkind: Formation\nmetadata: {name: %s}\nspec:\n  image: app:v1\n  processes:\n%s' "$old" "$long" \
		$'  - {type: clock, quantity: 5}\n  - {type: web, quantity: 2}\n' >"$work/object.yaml"
	retry run kn create -f "$work/object.yaml"
	test_is "a clock at 5 gets past the older CRD, under a name too long"
	run k apply --server-side -f "$work/new.yaml" &&
		retry says "is invalid" kn create --dry-run=server -f "$work/object.yaml"
	test_is "the rules are there now"
	local fm=formations.$old/$long
	run kn patch "$fm" --subresource=status --type=merge -p '{"status": {"ready": "1/2"}}'
	test_is "the status of an older, wrong Formation can be written"
	run kn patch "$fm" --type=json -p '[{"op": "replace", "path": "/spec/processes/1/quantity", "value": 3}]'
	test_is "another process of it can be scaled"
	run kn patch "$fm" --type=json -p '[{"op": "replace", "path": "/spec/image", "value": "app:v2"}]'
	test_is "its image can be changed"
	says "spec.processes[0].quantity: Forbidden: process type clock is a singleton" \
		kn patch "$fm" --type=json -p '[{"op": "replace", "path": "/spec/processes/0/quantity", "value": 4}]'
	test_is "its clock cannot be scaled to another wrong quantity"
	says "spec.processes: Invalid value: " kn patch "$fm" --type=json \
		-p '[{"op": "add", "path": "/spec/processes/-", "value": {"type": "worker"}}]'
	test_is "it cannot get another process with a name too long"
	run kn patch "$fm" --type=merge -p '{"metadata": {"finalizers": ["example.com/last"]}}' &&
		run kn delete "$fm" --wait=false && run kn patch "$fm" --type=merge -p '{"metadata": {"finalizers": null}}' &&
		says "NotFound" kn get "$fm"
	test_is "it can be deleted, with its finalizer"
}

# strip_rules: a CRD without its x-kubernetes-validations.
strip_rules() {
	awk 'skip && (/^ *$/ || match($0, /[^ ]/) > at || (match($0, /[^ ]/) == at && /^ *[-#]/)) { next }
			 { skip = 0 }
			 /^ *x-kubernetes-validations:$/ { skip = 1; at = match($0, /[^ ]/); next }
			 { print }'
}

# retry COMMAND…: for 10 s, for a CRD takes a moment to be served.
retry() {
	local i
	for i in {1..20}; do "$@" && return; sleep 0.5; done
	return 1
}

roles_are_least() {
	run k apply --server-side -f "$root/deploy/base/rbac-users.yaml" -f "$root/deploy/base/rbac-sizes.yaml" \
		-f "$root/deploy/base/rbac-controller.yaml"
	test_is "the roles are applied"
	local role
	for role in view edit admin; do run kn create rolebinding "$role" --clusterrole="$role" --user="a-$role"; done
	local who verb what want
	while read -r who verb what want; do
		retry can "$want" "$who" "$verb" "$what"
		test_is "$who: may $verb $what? $want"
	done <<END
a-view list formations.dyno.dev yes
a-view patch formations.dyno.dev no
a-edit create formations.dyno.dev yes
a-edit deletecollection formations.dyno.dev yes
a-edit patch formations.dyno.dev/status no
a-admin delete formations.dyno.dev yes
a-nobody list formations.dyno.dev no
a-nobody list dynosizes.dyno.dev yes
a-nobody create dynosizes.dyno.dev no
system:serviceaccount:formation-system:formation-controller watch formations.dyno.dev yes
system:serviceaccount:formation-system:formation-controller patch formations.dyno.dev no
system:serviceaccount:formation-system:formation-controller patch formations.dyno.dev/status yes
system:serviceaccount:formation-system:formation-controller update formations.dyno.dev/finalizers yes
system:serviceaccount:formation-system:formation-controller patch deployments.apps yes
system:serviceaccount:formation-system:formation-controller patch pods/resize yes
system:serviceaccount:formation-system:formation-controller create pods no
system:serviceaccount:formation-system:formation-controller delete pods no
system:serviceaccount:formation-system:formation-controller get secrets no
system:serviceaccount:formation-system:formation-controller get configmaps no
END
}

# can yes|no USER VERB RESOURCE
can() {
	local answer
	answer=$(kn auth can-i "$3" "${4%/*}" --subresource="$(expr "$4" : '.*/\(.*\)')" --as="$2" \
		--as-group=system:authenticated 2>"$work/out")
	same "$1" "$answer"
}

samples_are_accepted() {
	run k apply --server-side -k "$root/deploy/base/sizes"
	test_is "the shipped sizes are applied"
	same "1x 2x px" "$(k get dynosizes 1x 2x px -o 'jsonpath={.items[*].metadata.name}')"
	test_is "the shipped sizes are 1x, 2x and px"
	local sample
	for sample in small shop every-field ingress; do
		run kn apply --server-side --dry-run=server -f "$root/deploy/samples/$sample.yaml"
		test_is "the sample $sample.yaml is accepted"
	done
	run k kustomize "$root/deploy/base" && run k kustomize "$root/deploy/overlays/namespaced"
	test_is "the kustomizations build"
}

k create namespace "$ns" >"$work/out" 2>&1 || { cat "$work/out" && exit 1; }
crds_are_accepted
for file in "$here"/admission/*.yaml; do
	one_case "$file"
	test_is "$(sed -n '1s/^# //p' "$file")"
done
explain_teaches
names_are_short
columns_show_status
apply_merges_by_type
edits_are_checked
older_objects_stay_usable
roles_are_least
samples_are_accepted
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
