#!/usr/bin/env bash
# Dynos grow and shrink while they run: on a real node, by the process's own word and its cgroup's limit.
. "$(dirname "$0")/../lib.sh"
deadline_s=120
cluster_dir=$(hack/cluster/dir --name "$CLUSTER_NAME")
if [[ $(cat "$cluster_dir/mode") != node ]]; then
	skip "dynos grow while they run" "no node can be made on this machine (mounts, bridges and cgroups are needed)"
	exit
fi
new_namespace grow
in_cluster() { hack/cluster/exec --name "$CLUSTER_NAME" -- "$@"; }
mebi() { echo $(($1 * 1024 * 1024)); }

installs() {
	hack/cluster/app-images --name "$CLUSTER_NAME" && hack/image --name "$CLUSTER_NAME" && hack/install &&
		kubectl -n formation-system rollout restart deployment/formation-controller &&
		kubectl -n formation-system rollout status deployment/formation-controller --timeout=120s
}
check "the controller is installed" installs
# shop SIZE [QUANTITY]
shop() {
	k apply -f - >/dev/null <<-YAML
		apiVersion: dyno.dev/v1
		kind: Formation
		metadata: {name: shop}
		spec:
		  image: formation.test/app:v1
		  processes:
		  - {type: web, quantity: ${2:-3}, size: $1}
	YAML
}
status() { k get formation shop -o json | jq -r '"\(.status.observedGeneration == .metadata.generation) \(.status.processes[0].reason) \(.status.processes[0].updated)"'; }
settles() { eventually is "true Running ${1:-3}" status && becomes "" '{.spec.paused}' get deployment shop-web; }
pods() { k get pods -l dyno.dev/formation=shop -o json | jq -r "[.items[] | select(.metadata.deletionTimestamp == null)] | sort_by(.metadata.name) | .[] | $1"; }
# selves: of each dyno, its pod and what its process says of itself
selves() {
	local name ip
	while read -r name ip; do
		echo "$name $(in_cluster curl -sS --max-time 5 "http://$ip:5000/self")"
	done < <(pods '"\(.metadata.name) \(.status.podIP)"')
}
processes() { selves | sed 's/ limit.*//'; }
limits() { selves | sed 's/.* limit //' | sort -u | xargs; }
sets() { k get replicasets -l dyno.dev/formation=shop -o name | wc -l; }
restarts() { pods '.status.containerStatuses[0].restartCount' | sort -u | xargs; }

check "three web dynos of 1X run" eval 'shop 1X && settles && is "$(mebi 512)" limits'
before=$(processes)
echo "# $before" | head -n 1

# One connection to one dyno, over which a request goes whenever it is asked for.
first_ip=$(pods .status.podIP | head -n 1)
coproc LINE { in_cluster bash -c '
	exec 3<>"/dev/tcp/$1/5000" || exit 1
	while read -r _; do
		printf "GET /stay HTTP/1.1\r\n\r\n" >&3
		while read -r -t 10 line <&3 && [[ $line != "pid "* ]]; do :; done
		echo "$line"
	done' line "$first_ip"; }
over_the_line() {
	local answer
	echo ask >&"${LINE[1]}" && read -r -t 20 answer <&"${LINE[0]}" && echo "$answer"
}
check "a connection is open" says "limit $(mebi 512)" over_the_line

# Load on the Service all the while.
address=$(value '{.spec.clusterIP}' get service shop-web)
touch "$work/go" # the load ends when this does
in_cluster bash -c 'while [[ -e $2 ]]; do curl -sSf --max-time 5 -o /dev/null "http://$1/" 2>/dev/null && echo ok || echo failed; done' load "$address" "$work/go" >"$work/load" 2>/dev/null &
load=$!

check "1X becomes 2X: the limit of each container changes" eval 'shop 2X && settles && is "$(mebi 1024)" limits'
check "kubectl rollout status is content" k rollout status deployment/shop-web --timeout=20s
check "the same processes run, by pid and start" is "$before" processes
check "the open connection goes on, and its process has the new limit" says "limit $(mebi 1024)" over_the_line
check "a fourth dyno has the new size" eval 'shop 2X 4 && settles 4 && is "$(mebi 1024)" limits && shop 2X 3 && settles'
check "there is one ReplicaSet still" is 1 sets
before=$(processes)
check "2X becomes 1X" eval 'shop 1X && settles && is "$(mebi 512)" limits'
check "and the same processes run" is "$before" processes
check "no container was restarted" is 0 restarts

# Controllers that end in between: whichever leads is killed, at three points of the way.
marked() { k get deployment shop-web -o 'jsonpath={.metadata.annotations.dyno\.dev/resizing}' | grep -q .; }
changing() { pods '.metadata.annotations["dyno.dev/resources"]' | grep -q changing; }
asked() { pods '.spec.containers[0].resources.limits.memory' | grep -q "$1"; }
killed_when() {
	local size=$1 memory=$2
	shift 2
	shop "$size"
	for _ in {1..200}; do "$@" && break; done
	kubectl -n formation-system delete pods --all --force --grace-period=0 >/dev/null 2>&1
	settles && is "$(mebi "$memory")" limits && is "$before" processes && is 1 sets
}
check "the controllers are killed when a pod is about to change, and others go on" killed_when 2X 1024 changing
check "when pods have been asked" killed_when 1X 512 asked 512Mi
check "when the Deployment is paused" killed_when 2X 1024 marked

check "the connection has lasted through all of it" says "limit $(mebi 1024)" over_the_line
rm "$work/go"
wait "$load"
no_failure() {
	local failed
	failed=$(grep -c failed "$work/load")
	echo "$(wc -l <"$work/load") requests, $failed failed"
	((failed == 0 && $(wc -l <"$work/load") > 50))
}
check "not one request failed" no_failure
echo "# $(wc -l <"$work/load") requests"
both() {
	k apply -f - >/dev/null <<-YAML && settles && eventually is 2 sets
		apiVersion: dyno.dev/v1
		kind: Formation
		metadata: {name: shop}
		spec: {image: "formation.test/app:v2", processes: [{type: web, quantity: 3, size: 1X}]}
	YAML
}
check "another image with another size is a rollout" both
again() { shop 1X && settles && eventually is 3 sets; }
check "the earlier image again, in the size of now, is one too" again
before=$(processes)
check "with its earlier size, of which there is an old ReplicaSet, the same processes run" \
	eval 'shop 2X && settles && is "$(mebi 1024)" limits && is "$before" processes'
huge() {
	printf 'apiVersion: dyno.dev/v1\nkind: DynoSize\nmetadata: {name: e2e-huge}\nspec: {memory: 9000Gi, cpu: 100m}\n' | kubectl apply -f - >/dev/null
	k patch formation shop --type json -p '[{"op": "replace", "path": "/spec/processes/0/size", "value": "e2e-huge"}]' &&
		eventually says "by a rollout" eval 'k get events.events.k8s.io -o json | jq -r ".items[] | select(.reason == \"RollingUpdate\") | .note"' &&
		eventually says Unschedulable value '{.status.processes[0].reason}' get formation shop
}
check "a node that is too small is a rollout, which the scheduler holds, and what runs goes on" huge
kubectl delete dynosize e2e-huge --ignore-not-found >/dev/null
