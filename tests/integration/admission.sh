#!/usr/bin/env bash
# What the API server takes and refuses by the CRDs alone, on the cluster of $KUBECONFIG; no controller has to run.
#
# Most cases are the files of admission/, a manifest each. Its first line is the test's name, the next ones say
# "accepted", or "refused: TEXT" for each error expected. A refusal passes when every TEXT stands in an error, and every
# error has its TEXT. Installs crds/, and the sizes and roles of deploy/base, which it leaves.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cases=tests/integration/admission
older=older-$$.dyno.dev # the API group of a copy of the CRD
new_namespace admission

finish() {
	local status=$?
	kubectl delete "crd/formations.$older" "dynosize/$ns" --ignore-not-found --wait=false >/dev/null 2>&1
	echo "$((tests - failures)) passed, $failures failed, 0 skipped"
	(exit "$status")
	finish_tests
}
trap finish EXIT

# errors_in FILE: kubectl's message, one error a line, without what is the same in all: the object, what follows from
# another error, and the value before the message of a rule, which not every version of Kubernetes shows.
errors_in() {
	sed -E -e 's/^The [A-Za-z]+ "[^"]*" is invalid: *//' -e 's/^\* //' -e '/^$/d' -e '/^<nil>: /d' \
		-e 's/^Error from server \(BadRequest\): .*: strict decoding error: //' \
		-e 's/Invalid value: "[^"]*": (must|name|the name|process type) /Invalid value: \1 /' "$1"
}

# judged FILE: a file of admission/ is accepted or refused as it says
judged() {
	local text error found wrong=0 want=()
	mapfile -t want < <(sed -n 's/^# refused: //p' "$1")
	if ((${#want[@]} == 0)); then
		k create --dry-run=server -f "$1"
		return
	fi
	refused "" k create --dry-run=server -f "$1" || return
	errors_in "$work/refused" >"$work/errors"
	for text in "${want[@]}"; do
		grep -qF -- "$text" "$work/errors" || { echo "missing: $text" && wrong=1; }
	done
	while IFS= read -r error; do
		found=
		for text in "${want[@]}"; do [[ $error == *"$text"* ]] && found=1; done
		[[ $found ]] || { echo "got: $error" && wrong=1; }
	done <"$work/errors"
	return $wrong
}

# --- the CRDs themselves

crds() { kubectl get crd formations.dyno.dev dynosizes.dyno.dev -o "jsonpath=$1"; }

# Any other condition, NonStructuralSchema above all, would say that a part of the schema has no effect.
has_two_conditions() {
	is "NamesAccepted=True Established=True " kubectl get crd "$1.dyno.dev" \
		-o 'jsonpath={range .status.conditions[*]}{.type}={.status} {end}'
}

applying_again_changes_nothing() {
	local before
	before=$(crds '{.items[*].metadata.resourceVersion}') && kubectl apply --server-side -f crds/ &&
		is "$before" crds '{.items[*].metadata.resourceVersion}'
}

every_field_has_a_description() {
	awk '/^ *properties:$/ { at = match($0, /[^ ]/) + 2; next }
		at && match($0, /[^ ]/) == at && /^ *[A-Za-z]+:$/ && !/(metadata|name|generateName):$/ {
			key = $1
			getline
			if ($1 != "description:") { print FILENAME ": " key " has no description"; bad = 1 }
		}
		END { exit bad }' crds/*.yaml
}

env_is_the_same_in_both_places() {
	local spec='{.items[0].spec.versions[0].schema.openAPIV3Schema.properties.spec.properties'
	spec=${spec/items\[0\]/items[?(@.metadata.name==\"formations.dyno.dev\")]}
	[[ -n $(crds "$spec.env.items}") ]] &&
		is "$(crds "$spec.env.items}")" crds "$spec.processes.items.properties.env.items}"
}

# explains FIELD TEXT: kubectl explain, as running text. The API server publishes a CRD's OpenAPI some
# time after the CRD is Established.
explains() { eventually says "$2" eval "kubectl explain $1 | tr -s ' \n' ' '"; }

check_crds() {
	check "the CRDs are applied" kubectl apply --server-side -f crds/
	check "the CRDs become Established" kubectl wait --for=condition=Established --timeout=30s -f crds/
	check "the schema of formations has no fault" has_two_conditions formations
	check "the schema of dynosizes has no fault" has_two_conditions dynosizes
	check "applying the CRDs again changes nothing" applying_again_changes_nothing
	check "every field has a description" every_field_has_a_description
	check "env is the same for the Formation and for a process" env_is_the_same_in_both_places
	check "kubectl explain says what a Formation is" explains formation "A Formation is an app and its process formation"
	check "kubectl explain says what processes are" explains formation.spec.processes "as the lines of a Procfile"
	check "kubectl explain says what a quantity is" explains formation.spec.processes.quantity "of a singleton at most 1."
	check "kubectl explain reaches into env" explains formation.spec.env.valueFrom.secretKeyRef.key "The key."
	check "kubectl explain says what a permit is" explains formation.status.processes.permit "the one pod that may run"
	check "kubectl explain says what memory is" explains dynosize.spec.memory "at least 16Mi"
}

# --- names and columns

row() { "$@" | sed -E '2s/ +[0-9a-z]+$//' | tr -s ' ' | paste -sd/ | sed 's, */, / ,'; }

in_all() { is "formation.dyno.dev/shop" eval "k get all -o name | grep dyno.dev"; }

status_is_kept() {
	local got= field
	for field in type size desired running ready updated singleton reason message permit.pod permit.uid; do
		got+="$(value "{.status.processes[1].$field}" get fm shop) "
	done
	is "clock 1X 1 1 0 1 true CrashLoopBackOff exit code 1 shop-clock-1 123 " echo "$got"
}

writes_status() {
	k patch fm shop --subresource=status --type=merge -p '{"status": {"observedGeneration": 1,
		"formation": "web=2:2X clock=1:1X", "ready": "2/3", "processes": [
			{"type": "web", "size": "2X", "desired": 2, "running": 2, "ready": 2, "updated": 2, "singleton": false,
				"reason": "Running", "message": ""},
			{"type": "clock", "size": "1X", "desired": 1, "running": 1, "ready": 0, "updated": 1, "singleton": true,
				"reason": "CrashLoopBackOff", "message": "exit code 1", "permit": {"pod": "shop-clock-1", "uid": "123"}}],
		"conditions": [{"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "",
			"observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}'
}

status_and_spec_are_apart() {
	k patch fm shop --subresource=status --type=merge -p '{"spec": {"image": "other:v1"}}' &&
		k patch fm shop --type=merge -p '{"status": {"ready": "9/9"}}' &&
		is "app:v1 2/3 1" value '{.spec.image} {.status.ready} {.metadata.generation}' get fm shop
}

size_columns() {
	sed "s/name: m}/name: $ns}/" $cases/size-minimal.yaml | kubectl create -f - &&
		kubectl patch dsize "$ns" --subresource=status --type=merge -p '{"status": {"dynos": 7}}' &&
		kubectl patch dsize "$ns" --type=merge -p '{"spec": {"dedicated": true}}' &&
		is "NAME MEMORY CPU DEDICATED DYNOS AGE / $ns 512Mi 100m true 7" row kubectl get dsize "$ns"
}

check_columns() {
	check "a default formation is stored" k create -f $cases/formation-default.yaml
	check "processes has no default" is "" value '{.spec.processes}' get formation shop
	check "fm is short for formations" is "formation.dyno.dev/shop" k get fm -o name
	check "formations are in the category all" in_all
	check "the status of the contract is accepted by the status subresource" writes_status
	check "every field of the status of a process is kept" status_is_kept
	check "kubectl get fm shows NAME, FORMATION, READY, STATUS and AGE" \
		is "NAME FORMATION READY STATUS AGE / shop web=2:2X clock=1:1X 2/3 Progressing" row k get fm
	check "kubectl get fm -o wide adds IMAGE" says "NAME FORMATION READY STATUS AGE IMAGE" row k get fm -o wide
	check "status and spec are written apart, and a status is no new generation" status_and_spec_are_apart
	check "a condition without a reason is refused" refused 'status.conditions[0].reason: Invalid value: ""' \
		k patch fm shop --subresource=status --type=json -p '[{"op": "replace", "path": "/status/conditions/0/reason", "value": ""}]'
	check "dsize shows MEMORY, CPU, DEDICATED, DYNOS and AGE" size_columns
}

# --- server-side apply by two managers

# applied_by MANAGER SPEC
applied_by() {
	printf '{"apiVersion": "dyno.dev/v1", "kind": "Formation", "metadata": {"name": "merged"}, "spec": %s}' "$2" |
		k apply --server-side --field-manager="$1" -f -
}

merged() { value "{.spec.$1}" get fm merged; }

merges_by_key() {
	applied_by one '{"image": "app:v1", "processes": [{"type": "web", "command": "serve", "quantity": 2}], "env": [{"name": "A"}]}' &&
		applied_by two '{"processes": [{"type": "worker", "command": "work"}], "env": [{"name": "B"}]}' &&
		is "web worker" merged 'processes[*].type' && is "A B" merged 'env[*].name'
}

merges_within_an_entry() {
	applied_by two '{"processes": [{"type": "web", "size": "2X"}, {"type": "worker"}]}' &&
		is "serve 2 2X" merged 'processes[0].command} {.spec.processes[0].quantity} {.spec.processes[0].size' &&
		is "A" merged 'env[*].name'
}

leaves_no_default_behind() {
	applied_by one '{"image": "app:v1", "processes": [{"type": "web", "command": "serve"}]}' &&
		is "serve" merged 'processes[0].command' && is "" merged 'processes[0].quantity'
}

drops_entries() {
	applied_by one '{"image": "app:v1", "processes": [{"type": "mail"}]}' &&
		applied_by two '{"processes": [{"type": "worker"}]}' &&
		is "mail worker" eval "merged 'processes[*].type' | tr ' ' '\n' | sort | paste -sd' '"
}

becomes_default_again() {
	applied_by one '{"image": "app:v1"}' && applied_by two '{}' && is "" merged processes
}

check_apply() {
	check "server-side apply merges processes by type and env by name" merges_by_key
	check "a manager can own the size of another's process, and drop its own variable" merges_within_an_entry
	check "a quantity that its manager drops is left out, with no default in its place" leaves_no_default_behind
	check "a process goes when its managers drop it" drops_entries
	check "a Formation whose managers drop every process is the default formation again" becomes_default_again
	check "server-side apply of a clock at 2 is refused" \
		refused "spec.processes[0].quantity: Forbidden: process type clock is a singleton and never runs more than one dyno" \
		applied_by one '{"image": "app:v1", "processes": [{"type": "clock", "quantity": 2}]}'
	check "server-side apply of an unknown field is refused" refused ".spec.hostNetwork: field not declared in schema" \
		applied_by one '{"image": "app:v1", "hostNetwork": true}'
}

# --- edits of what is stored

edit() { k patch "$1" --type=json -p "[$2]"; }
set_field() { printf '{"op": "add", "path": "/spec/%s", "value": %s}' "$1" "$2"; }

prunes() {
	is "{}" eval "sed 's/name: shop/name: pruned/' $cases/formation-privileged.yaml |
		kubectl -n $ns create --validate=false --dry-run=server -o 'jsonpath={.spec.securityContext}' -f -"
}

check_edits() {
	local long=c23456789-123456789-123456789-123456789-123456789-1234567
	sed 's/name: shop/name: edited/; s/clock, quantity: 2/clock, quantity: 1/' $cases/formation-clock-two.yaml >"$work/edited"
	check "a Formation with web at 2 and clock at 1 is stored" k create -f "$work/edited"
	check "kubectl patch of a clock to 2 is refused" \
		refused "spec.processes[1].quantity: Forbidden: process type clock is a singleton and never runs more than one dyno" \
		edit fm/edited "$(set_field processes/1/quantity 2)"
	check "a type at 2 cannot become a singleton" \
		refused "spec.processes[0].quantity: Forbidden: process type web is a singleton and never runs more than one dyno" \
		edit fm/edited "$(set_field processes/0/singleton true)"
	check "a clock that stops being a singleton may go to 2 in the same edit" \
		edit fm/edited "$(set_field processes/1/singleton false), $(set_field processes/1/quantity 2)"
	check "a type too long for the name is refused in an edit too" \
		refused "process type $long and the name of the Formation have more than 62 characters together" \
		edit fm/edited "$(set_field processes/- "{\"type\": \"$long\"}")"
	check "an unknown field is pruned for a client that is not strict" prunes
}

# --- objects older than the rules: a copy of the CRD plays the older version, first without its rules

without_rules() {
	awk 'skip && (match($0, /[^ ]/) > at || (match($0, /[^ ]/) == at && /^ *[-#]/)) { next }
		{ skip = 0 }
		/^ *x-kubernetes-validations:$/ { skip = 1; at = match($0, /[^ ]/); next }
		{ print }'
}

older_version_is_served() {
	without_rules <"$work/new.yaml" | kubectl apply --server-side -f - &&
		kubectl wait --for=condition=Established --timeout=30s "crd/formations.$older"
}

rules_come_in() {
	kubectl apply --server-side -f "$work/new.yaml" &&
		eventually refused "is invalid" k create --dry-run=server -f "$work/wrong.yaml"
}

is_deleted() {
	k patch "$1" --type=merge -p '{"metadata": {"finalizers": ["example.com/last"]}}' && k delete "$1" --wait=false &&
		k patch "$1" --type=merge -p '{"metadata": {"finalizers": null}}' && refused NotFound k get "$1"
}

check_older_objects() {
	local long=a23456789-123456789-123456789-123456789-123456789-123456789-1 fm
	fm=formations.$older/$long
	sed -E "s/dyno\.dev/$older/; /(shortNames|categories):/d" crds/dyno.dev_formations.yaml >"$work/new.yaml"
	sed "s/dyno\.dev/$older/; s/name: shop/name: $long/" $cases/formation-clock-two.yaml >"$work/wrong.yaml"
	check "a CRD without the rules is served" older_version_is_served
	check "it lets a clock at 2 in, under a name too long" eventually k create -f "$work/wrong.yaml"
	check "with the rules it no longer would" rules_come_in
	check "the status of an older, wrong Formation can be written" \
		k patch "$fm" --subresource=status --type=merge -p '{"status": {"ready": "1/2"}}'
	check "another of its processes can be scaled" edit "$fm" "$(set_field processes/0/quantity 3)"
	check "its image can be changed" edit "$fm" "$(set_field image '"app:v2"')"
	check "its clock cannot be set to 3" refused "spec.processes[1].quantity: Forbidden: process type clock is a singleton" \
		edit "$fm" "$(set_field processes/1/quantity 3)"
	check "it gets no further process with a name too long" refused "process type worker and the name of the Formation" \
		edit "$fm" "$(set_field processes/- '{"type": "worker"}')"
	check "its clock can be put right" edit "$fm" "$(set_field processes/1/quantity 1)"
	check "it can be deleted, with a finalizer" is_deleted "$fm"
}

# --- samples and roles

samples_name_every_field() {
	local field missing=0
	for field in $(awk '/^          status:/ { nextfile }
		/^ *properties:$/ { at = match($0, /[^ ]/) + 2; next }
		at && match($0, /[^ ]/) == at && /^ *[A-Za-z]+:$/ { sub(":", ""); print $1 }' crds/*.yaml | sort -u); do
		[[ $field == generateName ]] || grep -q "\b$field:" deploy/samples/every-field.yaml ||
			{ echo "not in the sample: $field" && missing=1; }
	done
	return $missing
}

# Every YAML block of docs/api.md, each as it stands there.
examples_are_accepted() {
	awk '/^```yaml$/ { on = 1; print "---"; next } /^```$/ { on = 0 } on' docs/api.md >"$work/examples.yaml"
	says "formation.dyno.dev/configured" k apply --server-side --dry-run=server --force-conflicts -f "$work/examples.yaml" &&
		k apply --server-side --dry-run=server --force-conflicts -f "$work/examples.yaml"
}

check_samples() {
	local sample
	check "the shipped sizes are applied" kubectl apply --server-side -k deploy/base/sizes
	check "the shipped sizes are 1x, 2x and px" is "dynosize.dyno.dev/1x dynosize.dyno.dev/2x dynosize.dyno.dev/px" \
		eval "kubectl get dynosizes 1x 2x px -o name | paste -sd' '"
	for sample in small shop every-field ingress; do
		check "the sample $sample.yaml is accepted" k apply --server-side --dry-run=server -f "deploy/samples/$sample.yaml"
	done
	check "the sample every-field.yaml has every field" samples_name_every_field
	check "the examples of docs/api.md are accepted" examples_are_accepted
	check "the kustomization base builds" kubectl kustomize deploy/base
	check "the kustomization for one namespace gives the controller that namespace" \
		says "- --namespace=default" kubectl kustomize deploy/overlays/namespaced
}

# may yes|no USER VERB RESOURCE[/SUBRESOURCE]
may() {
	local resource=${4%%/*} subresource=
	[[ $4 == */* ]] && subresource=${4#*/}
	# without the warning that some resources have no namespace
	is "$1" eval "k auth can-i $3 $resource --subresource='$subresource' --as=$2 --as-group=system:authenticated 2>/dev/null"
}

bound() {
	local role
	for role in view edit admin; do
		k create rolebinding "$role" --clusterrole="$role" --user="$role" || return
	done
}

check_roles() {
	local controller=system:serviceaccount:formation-system:formation-controller answer who verb what
	check "the roles are applied" kubectl apply --server-side -f deploy/base/rbac-users.yaml \
		-f deploy/base/rbac-sizes.yaml -f deploy/base/rbac-controller.yaml
	check "view, edit and admin are bound to users" bound
	while read -r answer who verb what; do
		check "${who##*:} may $verb $what: $answer" eventually may "$answer" "$who" "$verb" "$what"
	done <<-END
		yes view list formations.dyno.dev
		no view patch formations.dyno.dev
		yes edit create formations.dyno.dev
		yes edit deletecollection formations.dyno.dev
		no edit patch formations.dyno.dev/status
		yes admin delete formations.dyno.dev
		no anybody list formations.dyno.dev
		yes anybody list dynosizes.dyno.dev
		no anybody create dynosizes.dyno.dev
		yes $controller watch formations.dyno.dev
		no $controller patch formations.dyno.dev
		yes $controller patch formations.dyno.dev/status
		yes $controller update formations.dyno.dev/finalizers
		yes $controller patch deployments.apps
		yes $controller patch pods/resize
		no $controller create pods
		no $controller delete pods
		no $controller get secrets
		no $controller get configmaps
	END
}

check_crds
for file in "$cases"/*.yaml; do
	sentence=$(head -1 "$file")
	check "${sentence#\# }" judged "$file"
done
check_samples
check_columns
check_apply
check_edits
check_older_objects
check_roles
