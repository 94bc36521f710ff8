#!/usr/bin/env bash
# The last one of all: what every controller of this run was allowed to do, and what it did, by the API server's audit log.
. "$(dirname "$0")/../lib.sh"
: "${CLUSTER_NAME:?names the test cluster}"

log=$(hack/cluster/dir --name "$CLUSTER_NAME")/audit.log
ours='select(.stage == "ResponseComplete" and (.user.username // "" | test("^(controller|one|two)-[0-9]+$")))'

# Granted, and in no audit log: why.
cat >"$work/unseen" <<'EOF'
dyno.dev formations/finalizers update
EOF
# Granted for what is read again after a lost race; the tests cause one for some kinds only.
sed -n 's/ patch$/ get/p' <<'EOF' >>"$work/unseen"
dyno.dev formations patch
dyno.dev dynosizes patch
policy poddisruptionbudgets patch
 pods patch
EOF

granted() {
	local file
	for file in base/rbac-controller base/rbac-sizes base/rbac-lease actor/rbac; do
		kubectl create --dry-run=client -o json -f "deploy/$file.yaml" 2>/dev/null
	done | jq -r '(if .kind == "List" then .items[] else . end) | .rules[]? | .apiGroups[] as $g | .resources[] as $r | .verbs[] | "\($g) \($r) \(.)"' | sort -u
}
# An apply that makes an object needs the right to create, though the log has a patch.
requests_that_were() {
	jq -r --arg decision "$1" "$ours"' | select(.annotations["authorization.k8s.io/decision"] == $decision and .objectRef.resource)
		| . as $e | (.verb, (if .verb == "patch" and .responseStatus.code == 201 then "create" else empty end))
		| "\($e.objectRef.apiGroup // "") \($e.objectRef.resource)\(if $e.objectRef.subresource then "/" + $e.objectRef.subresource else "" end) \(.)"' "$log" | sort -u
}
granted >"$work/granted"
requests_that_were allow >"$work/used"

check "rights are granted" eval '(($(wc -l <"$work/granted") > 25))'
# An API server that starts refuses everybody until it knows the roles; that is no right that is missing.
requests_that_were forbid >"$work/refused"
check "nothing was refused that is not allowed" is "" comm -23 "$work/refused" "$work/used"
check "nothing was done that deploy/base doesn't grant" is "" comm -13 "$work/granted" "$work/used"
suites=$(jq -r "$ours | .user.username" "$log" | sort -u | wc -l)
if ((suites >= 6)); then
	check "everything that is granted is used" is "" comm -23 "$work/granted" <(sort -u "$work/used" "$work/unseen")
else
	skip "everything that is granted is used" "only $suites controllers ran on this cluster: run all integration tests"
fi
same_namespaced() {
	local file=deploy/overlays/namespaced/watched/role.yaml
	kubectl create --dry-run=client -o json -f $file 2>/dev/null | jq -cS 'if .kind == "List" then .items[] else . end | .rules // empty' >"$work/role"
	kubectl create --dry-run=client -o json -f deploy/base/rbac-controller.yaml 2>/dev/null | jq -cS 'if .kind == "List" then .items[] else . end | .rules // empty' >"$work/clusterrole"
	diff "$work/role" "$work/clusterrole"
}
check "the Role for one namespace grants what the ClusterRole does" same_namespaced
