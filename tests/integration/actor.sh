#!/usr/bin/env bash
# Who changed a Formation: the policy of deploy/actor stores it, and nobody else can.
. "$(dirname "$0")/../lib.sh"

install_api || exit 1
new_namespace actor
trap 'status=$?; kubectl delete -k deploy/actor >/dev/null 2>&1; (exit $status); finish_tests' EXIT

# as USER ARGUMENTS…: kubectl as a person with a client certificate, who may do everything in the namespace
as() {
	local user=$1
	shift
	kubectl --kubeconfig "$work/$user" -n "$ns" "$@"
}
for user in adam@example.com eve grace; do
	cp "$(hack/cluster/user --name "$CLUSTER_NAME" "$user" | tail -n 1)" "$work/$user" || exit 1
	k create rolebinding "${user%@*}" --clusterrole cluster-admin --user "$user" >/dev/null || exit 1
done
note() { k get formation shop -o json | jq -r --arg key "dyno.dev/$1" '.metadata.annotations[$key] // "none"'; }
changed_by() { note changed-by; }
changed_for() { note changed-for; }
manifest() { # IMAGE [ANNOTATIONS]
	printf 'apiVersion: dyno.dev/v1\nkind: Formation\nmetadata: {name: shop, annotations: {%s}}\nspec: {image: %s}\n' "${2:-}" "$1"
}

manifest app:v0 'dyno.dev/changed-by: eve' | as eve apply -f - >/dev/null || exit 1
kubectl apply --server-side -k deploy/actor >"$work/actor" 2>&1 || { cat "$work/actor"; exit 1; }
probe() { sed 's/name: shop/name: probe/' | as grace create --dry-run=server -o json -f - | jq -r '.metadata.annotations["dyno.dev/changed-by"]'; }
probed() { manifest app:v1 | probe; }
check "the policy is taken by the API server, and in force" eventually is grace probed

relabelled() { as grace label formation shop a=b >/dev/null && is eve changed_by; }
check "what was written by hand before stays until the next change" relabelled
applied() { manifest app:v1 'dyno.dev/message: "first try"' | as adam@example.com apply -f - >/dev/null && is adam@example.com changed_by; }
check "kubectl apply stores who applied" applied
check "with the message that came with it" is "first try" changed_for
quiet() { manifest app:v1 'dyno.dev/message: "first try"' | as eve diff -f -; }
check "an unchanged kubectl diff is empty" is "" quiet
check "as is a server-side one" is "" eval "manifest app:v1 'dyno.dev/message: \"first try\"' | as adam@example.com apply --server-side --force-conflicts -f - >/dev/null; manifest app:v1 'dyno.dev/message: \"first try\"' | as adam@example.com diff --server-side -f -"
served() { manifest app:v2 'dyno.dev/message: "first try"' | as grace apply --server-side --force-conflicts --field-manager kustomize-controller -f - >/dev/null && is grace changed_by; }
check "server-side apply stores who applied, whatever the field manager" served
check "a message that was there before the change doesn't count for it" is "" changed_for
check "though it is left as it is" is "first try" note message
forged() {
	as eve annotate formation shop dyno.dev/changed-by=adam@example.com dyno.dev/changed-for=holidays --overwrite >/dev/null &&
		is grace changed_by && is "" changed_for
}
check "an annotation written by hand is put back" forged
removed() { as eve annotate formation shop dyno.dev/changed-by- dyno.dev/changed-for- >/dev/null && is grace changed_by; }
check "as is one taken away" removed
framed() {
	as eve patch formation shop --type merge -p '{"metadata":{"annotations":{"dyno.dev/changed-by":"adam@example.com"}},"spec":{"image":"app:v3"}}' >/dev/null &&
		is eve changed_by
}
check "who changes the spec and names another is named" framed
replaced() { k get formation shop -o json | jq 'del(.metadata.annotations) | .spec.image = "app:v4"' | as grace replace -f - >/dev/null && is grace changed_by; }
check "a replace without annotations names who replaced" replaced
by_status() {
	as eve patch formation shop --subresource status --type merge -p '{"metadata":{"annotations":{"dyno.dev/changed-by":"adam@example.com"}},"status":{"ready":"0/1"}}' >/dev/null &&
		is grace changed_by
}
check "nor does the way through the status subresource forge it" by_status
restarted() {
	as adam@example.com annotate formation shop dyno.dev/restarted-at=2026-11-23T10:00:00Z dyno.dev/message=leaks >/dev/null &&
		is adam@example.com changed_by && is leaks changed_for
}
check "a restart is a change, too" restarted
labelled() { as eve label formation shop a=c --overwrite >/dev/null && is adam@example.com changed_by && is leaks changed_for; }
check "a label is none" labelled
