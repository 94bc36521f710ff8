#!/usr/bin/env bash
# Two controllers and one Lease: who writes, who takes over, and what a leader that slept may still do.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

new_namespace lease
kubectl apply --server-side -f deploy/base/rbac-controller.yaml -f deploy/base/rbac-sizes.yaml >/dev/null || exit 1
sed "s/formation-system/$ns/" deploy/base/rbac-lease.yaml | kubectl apply --server-side -f - >/dev/null || exit 1
install_api || exit 1

declare -A pids metrics_of health_of statuses
times=(--leader-elect-lease-duration 6s --leader-elect-renew-deadline 4s --leader-elect-retry-period 2s)

# new_user NAME: one with the rights of deploy/base, and no others
new_user() {
	local role
	for role in formation-controller formation-controller-sizes; do
		kubectl create clusterrolebinding "$1-$$-$role" --clusterrole "$role" --user "$1-$$" >/dev/null || return 1
	done
	k create rolebinding "$1-$$" --role formation-controller-lease --user "$1-$$" >/dev/null &&
		hack/cluster/user --name "$CLUSTER_NAME" "$1-$$" | tail -n 1 >"$work/$1.kubeconfig"
}
end_users() {
	local name
	for name in "${!pids[@]}"; do kill -KILL "${pids[$name]}" 2>/dev/null; done
	for name in one two; do
		kubectl delete clusterrolebinding "$name-$$-formation-controller" "$name-$$-formation-controller-sizes"
	done >/dev/null 2>&1
}
trap 'status=$?; end_users; (exit $status); finish_tests' EXIT

# begin NAME FLAGS…: a controller of that name
begin() {
	local name=$1 log=$work/$1.log
	shift
	: >"$log"
	POD_NAME=$name "$controller" --kubeconfig "$(cat "$work/$name.kubeconfig")" --metrics-bind-address 127.0.0.1:0 \
		--health-probe-bind-address 127.0.0.1:0 --log-level debug --leader-elect --leader-elect-namespace "$ns" \
		"${times[@]}" "$@" 2>>"$log" &
	pids[$name]=$!
	eventually grep -q 'metrics on port' "$log" || return 1
	metrics_of[$name]=$(sed -nE 's/.*metrics on port ([0-9]+),.*/\1/p' "$log")
	health_of[$name]=$(sed -nE 's/.*health probes on port ([0-9]+).*/\1/p' "$log")
}
# signal NAME SIGNAL; ended NAME: wait for its end, its status is in $statuses
signal() { kill "-$2" "${pids[$1]}"; }
ended() {
	statuses[$1]=0
	wait "${pids[$1]}" || statuses[$1]=$?
	unset "pids[$1]"
}
on_port() { curl -fsS "http://127.0.0.1:$1/$2"; }
ready() { is ok on_port "${health_of[$1]}" readyz; }
leads() { is "formation_leader $2" eval "on_port ${metrics_of[$1]} metrics | grep '^formation_leader '"; }
holder() { k get lease formation-controller -o 'jsonpath={.spec.holderIdentity}' | sed 's/_.*//'; }
held_by() { is "$1" holder; }

# writes_of NAME [SINCE]: its writes but those of the lease, since a time as the audit log has it
writes_of() {
	jq -r --arg user "$1-$$" --arg since "${2:-}" 'select(.stage == "ResponseComplete" and .user.username == $user
		and (.verb | test("create|update|patch|delete")) and .objectRef.resource != "leases"
		and .requestReceivedTimestamp > $since)
		| "\(.requestReceivedTimestamp) \(.verb) \(.objectRef.resource) \(.objectRef.name)"' \
		"$(hack/cluster/dir --name "$CLUSTER_NAME")/audit.log"
}
now() { date -u +%Y-%m-%dT%H:%M:%S.%6NZ; }
spec='  image: example.test/app:v1
  processes: [{type: web, quantity: 1}, {type: worker, quantity: 2}]'
scaled() { edit app '[{"op":"replace","path":"/spec/processes/1/quantity","value":'"$1"'}]' && becomes "$1" '{.spec.replicas}' get deployment app-worker; }

new_user one && new_user two || exit 1

# --- one leads, the other stands by --------------------------------------

alone() { begin one && eventually held_by one && eventually leads one 1; }
check "the first one makes the lease and leads" alone
works() { formation app <<<"$spec" && eventually k get deployment/app-web deployment/app-worker service/app-web; }
check "and does the work" works
second() { begin two && eventually ready two && eventually grep -q 'held by one_.*waiting' "$work/two.log" && leads two 0; }
check "the second one stands by, ready" second
filled() { eventually is 1 eval "on_port ${metrics_of[two]} metrics | sed -n 's/^formation_cache_objects{resource=\"formations\"} //p'"; }
check "with full caches" filled
check "a change is one's business" scaled 3
quiet_two() { is "" writes_of two; }
check "two has written nothing" quiet_two

# --- a leader that ends --------------------------------------------------

handed_over() {
	local before after
	signal one TERM && before=$(date +%s%N) && ended one && eventually held_by two && after=$(date +%s%N)
	echo "taken over after $(((after - before) / 1000000)) ms, status ${statuses[one]}"
	((statuses[one] == 0 && after - before < 4500000000)) && grep -q 'leading as two_' "$work/two.log"
}
check "SIGTERM: it gives the lease up and two takes over at the next look" handed_over
grep -h 'taken over' "$work/out" | sed 's/^/# /'
check "and works" scaled 4
transitions() { is "$1" value '{.spec.leaseTransitions}' get lease formation-controller; }
counted() { local n; n=$(value '{.spec.leaseTransitions}' get lease formation-controller) && ((n >= 1 && n <= 2)) || { echo "$n"; return 1; }; }
check "which counts as a transition" counted

killed() {
	local before after
	begin one && eventually ready one && signal two KILL && before=$(date +%s%N) && ended two
	eventually held_by one && after=$(date +%s%N)
	echo "taken over after $(((after - before) / 1000000)) ms"
	((after - before > 3500000000 && after - before < 10000000000))
}
check "SIGKILL: its lease runs out, then the other one takes over" killed
grep -h 'taken over' "$work/out" | sed 's/^/# /'
check "and works, too" scaled 5

# --- a leader that sleeps ------------------------------------------------

asleep() {
	begin two && eventually ready two || return 1
	for i in $(seq 30); do
		printf -- '---\napiVersion: dyno.dev/v1\nkind: Formation\nmetadata: {name: m%s}\nspec:\n%s\n' "$i" "$spec"
	done | k apply -f - >/dev/null & # so that it is stopped in the middle of its work
	eventually k get deployment m1-web && signal one STOP
	wait $! && eventually held_by two
}
check "SIGSTOP: the other one takes over when the lease runs out" asleep
check "and finishes what was begun" eventually is 60 eval "k get deployments -o name | grep -c /m"
check "while one sleeps there is work for it" scaled 6
awake_at=$(now)
wakes() { signal one CONT && ended one && is 1 echo "${statuses[one]}" && grep -qE 'ERROR lease .*: lost: ' "$work/one.log"; }
check "SIGCONT: it finds its lease lost and ends with status 1" wakes
check "it has written nothing after it woke" is "" writes_of one "$awake_at"
after_sleep() { scaled 7 && held_by two; }
check "the other one goes on" after_sleep

# --- hands on the lease --------------------------------------------------

renewed() { local old; old=$(value '{.spec.renewTime}' get lease formation-controller) && eventually eval "[[ \$(value '{.spec.renewTime}' get lease formation-controller) > '$old' ]]"; }
deleted() { k delete lease formation-controller >/dev/null && eventually held_by two && renewed && leads two 1; }
check "a deleted lease is made again" deleted
emptied() { k patch lease formation-controller --type merge -p '{"spec":{"holderIdentity":""}}' >/dev/null && eventually held_by two && renewed && leads two 1; }
check "an emptied holder is filled in again" emptied
robbed() {
	k patch lease formation-controller --type merge -p '{"spec":{"holderIdentity":"somebody"}}' >/dev/null
	ended two && is 1 echo "${statuses[two]}" && grep -q 'lost: now held by somebody' "$work/two.log"
}
check "another holder, written by hand, ends it with status 1" robbed
recovers() { begin one && eventually held_by one && scaled 8; }
check "whose lease runs out, too" recovers

# --- the API server away, rights missing ---------------------------------

away() {
	hack/cluster/component --name "$CLUSTER_NAME" stop kube-apiserver >/dev/null
	ended one
	hack/cluster/component --name "$CLUSTER_NAME" start kube-apiserver >/dev/null
	eventually kubectl get --raw /readyz >/dev/null && is 1 echo "${statuses[one]}" && grep -q 'lost: not renewed for' "$work/one.log"
}
check "without an API server it ends when its deadline is over" away
forbidden_at=$(now)
forbidden() {
	k delete rolebinding "one-$$" >/dev/null && begin one && eventually grep -q 'WARN lease .*forbidden' "$work/one.log" &&
		eventually ready one && leads one 0
}
check "without rights on the lease it says so and stands by" forbidden
check "once, however often it tries" is 1 grep -c 'WARN lease' "$work/one.log"
check "and does nothing" is "" writes_of one "$forbidden_at"
allowed() { k create rolebinding "one-$$" --role formation-controller-lease --user "one-$$" >/dev/null && eventually leads one 1; }
check "and leads when it gets them" allowed
signal one TERM && ended one
check "its end is status 0" is 0 echo "${statuses[one]}"
