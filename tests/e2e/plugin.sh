#!/usr/bin/env bash
# kubectl formation with dynos that run: states, logs, restarts.
. "$(dirname "$0")/../lib.sh"
deadline_s=120
PATH=$root/bin:$PATH
if [[ $(cat "$(hack/cluster/dir --name "$CLUSTER_NAME")/mode") != node ]]; then
	skip "the plugin shows dynos on a real node" "no node can be made on this machine"
	exit
fi
install_api || exit 1
new_namespace plugin
hack/cluster/app-images --name "$CLUSTER_NAME" >"$work/images" 2>&1 || exit 1
start_controller --namespace "$ns"
k apply -f deploy/samples/shop.yaml >/dev/null
f() { kubectl formation "$@" -n "$ns" </dev/null; }

check "scale returns when that many run" is 'Scaling web processes... done, now running 3:2X
Scaling worker processes... done, now running 2' f scale web=3 worker=2 --timeout 120s
check "ps shows them up" says 'worker.2: up for' f ps
check "logs have the lines of all dynos" eventually says 'web.3 | ' f logs shop
others() { ! says 'web.1 |' f logs shop worker; }
check "of a type alone" others
check "of one dyno" eventually says 'worker.1 | ' f logs shop worker.1 --tail 1
follows() {
	timeout -s INT 20 kubectl formation logs -f clock --tail 1 -n "$ns" 2>&1 | head -n 3 >"$work/follow"
	is 3 grep -c '^clock.1 | ' "$work/follow"
}
check "logs -f goes on, and ends with its reader" follows
crashes() {
	k apply -f - >/dev/null <<-'YAML'
		apiVersion: dyno.dev/v1
		kind: Formation
		metadata: {name: broken}
		spec: {image: 'formation.test/app:v1', processes: [{type: job, command: 'echo sorry; exit 3', quantity: 1}]}
	YAML
	eventually says 'ago (exit 3, ' f ps broken
}
check "a dyno that ends is crashed, with its exit code" crashes
check "logs --previous has what it said before" eventually says 'job.1 | sorry' f logs broken --previous
one() {
	local before
	before=$(f ps shop worker -o name | head -n 1)
	f restart shop worker.1 && eventually gone "$before"
}
gone() { ! k get "$1"; }
check "restart of one dyno replaces it" one
