# Clocks on a real node, and the container runtime's own word of when each started and ended; after tests/lib.sh.
#
# $work/events is what the runtime says, from the moment of `listen` on. All clocks of a test are of images of their own,
# which tells their containers from all others.
cluster_dir=$(hack/cluster/dir --name "$CLUSTER_NAME")
node=$(kubectl get nodes -o name | head -n 1)
events=
has_node() { [[ $(cat "$cluster_dir/mode") == node ]]; }
runtime() { ctr --address "$cluster_dir/run/containerd.sock" --namespace k8s.io "$@"; }
listen() {
	runtime events >"$work/events" 2>"$work/events.err" &
	events=$!
}
images() {
	local folder version
	folder=$(mktemp -d) && mkdir -p "$folder/bin" && chmod 755 "$folder" || return
	"${CC:-cc}" -D_GNU_SOURCE -O2 -static -o "$folder/bin/app" tests/app/app.c 2>"$work/cc" || { cat "$work/cc"; return 1; }
	for version in v1 v2; do
		hack/cluster/image --name "$CLUSTER_NAME" --env "CLOCK_VERSION=$version" --entrypoint app --user 10001:10001 \
			"formation.test/clock:$version" "$folder" || return
	done
	rm -rf "$folder"
}
# clock IMAGE-VERSION SECONDS-TO-STOP [GRACE-PERIOD]
clock() {
	k apply -f - <<-YAML
		apiVersion: dyno.dev/v1
		kind: Formation
		metadata: {name: cron}
		spec:
		  image: formation.test/clock:$1
		  processes:
		  - {type: clock, args: [clock], terminationGracePeriodSeconds: ${3:-60}, env: [{name: TERM_SECONDS, value: "$2"}]}
	YAML
}
pod() { value '{range .items[*]}{.metadata.name} {.metadata.deletionTimestamp} {.status.phase}{"\n"}{end}' get pods -l dyno.dev/type=clock | awk 'NF == 2 && $2 == "Running" {print $1}'; }
other_runs() {
	local now
	now=$(pod)
	[[ -n $now && $now != "$1" ]]
}
# replaced COMMAND…: it ends the clock that runs, and another comes to run
replaced() {
	local before
	before=$(pod)
	"$@" && eventually other_runs "$before" && k wait --for=condition=Ready --timeout="${deadline_s}s" formation/cron
}
# runs: "N starts, at most M at once", by the runtime's events
runs() {
	awk 'function field(name) { return match($0, "\"" name "\":\"[^\"]*\"") ? substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5) : "" }
		/ \/containers\/create / && field("image") ~ /formation.test\/clock/ { clock[field("id")] = 1 }
		/ \/tasks\/start / && clock[field("container_id")] { starts++; if (++now > most) most = now }
		/ \/tasks\/exit / && clock[field("container_id")] && field("id") == field("container_id") { now-- }
		END { print starts + 0 " starts, at most " most + 0 " at once" }' "$work/events"
}
never_two() {
	local said
	said=$(runs)
	echo "$said"
	[[ $said == [1-9]*" starts, at most 1 at once" ]]
}
