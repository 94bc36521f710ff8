#!/usr/bin/env bash
# What render prints without a cluster is what the controller applies on one; what init prints, the API server takes.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"
PATH=$root/bin:$PATH

install_api || exit 1
new_namespace render
new_controller_user || exit 1

sed 's/namespace: .*//' deploy/samples/shop.yaml >"$work/shop.yaml"
check "the sample is applied" k apply -f "$work/shop.yaml"
check "a Formation with every kind of process is applied" k apply -f - <<'END_OF_FORMATION'
apiVersion: dyno.dev/v1
kind: Formation
metadata: {name: kinds}
spec:
  image: example.test/kinds:v1
  env: [{name: A, value: "1"}]
  processes:
  - {type: web, command: 'serve -p $PORT "$(x)"', quantity: 3, size: 2x}
  - {type: api, port: 8081, health: {path: /ok}, quantity: 1}
  - {type: worker, args: [work, --all]}
  - {type: clock, quantity: 1}
  - {type: big, quantity: 2, size: PX}
END_OF_FORMATION
check "the controller gets ready" run_controller --namespace "$ns"

# rendered NAME: the bodies, a line each, of the Formation as the API server has it
rendered() { k get formation "$1" -o yaml | kubectl formation render -f - -o json; }
# applied: "KIND NAME DIGEST" of what there is of a Formation; wanted: of what is rendered
applied() {
	k get deployments,services,poddisruptionbudgets -l "dyno.dev/formation=$1" -o json |
		jq -r '.items[] | "\(.kind) \(.metadata.name) \(.metadata.annotations["dyno.dev/applied"])"' | sort
}
wanted() { rendered "$1" | jq -r '"\(.kind) \(.metadata.name) \(.metadata.annotations["dyno.dev/applied"])"' | sort; }
same() { diff <(wanted "$1") <(applied "$1") && [[ $(applied "$1" | wc -l) == "$2" ]]; }
# The digest is one of all the body but itself.
digests_hold() {
	local line
	while IFS= read -r line; do
		[[ $(sed -E 's/,?"dyno.dev\/applied":"[0-9a-f]*"//' <<<"$line" | tr -d '\n' | sha256sum | cut -c1-32) == \
			"$(jq -r '.metadata.annotations["dyno.dev/applied"]' <<<"$line")" ]] || return 1
	done < <(rendered kinds)
}
# An apply of what was rendered, as the controller, changes nothing.
no_difference() {
	rendered kinds >"$work/rendered.json" && k diff --server-side --field-manager=formation-controller -f "$work/rendered.json"
}
objects=$(kubectl formation render -f "$work/shop.yaml" -o name | wc -l)
check "the sample's objects carry the digests of what render prints" eventually same shop "$objects"
check "so do those of every kind of process" eventually same kinds 8
check "the digest is one over the bytes that are printed" digests_hold
check "applying what was rendered changes nothing" no_difference
# Without the cluster only the owner and the digest are missing.
without_cluster() {
	diff <(kubectl formation render -f "$work/shop.yaml" -n "$ns" -o json | jq -S .) \
		<(rendered shop | jq -S 'del(.metadata.ownerReferences, .metadata.annotations["dyno.dev/applied"])
			| if .metadata.annotations == {} then del(.metadata.annotations) else . end')
}
check "from the file alone only owner and digest are missing" without_cluster

printf 'release: x\nweb: bundle exec puma -p $PORT -e "a: b" # c\nworker: yes\nclock: "tick"\r\n' >"$work/Procfile"
init() { kubectl formation init made --procfile "$work/Procfile" --image example.test/made:v1 2>/dev/null; }
taken() { init | k create --dry-run=server -f -; }
commands() {
	init | k create -f - >/dev/null && is 'bundle exec puma -p $PORT -e "a: b" # c|yes|"tick"|' \
		value '{range .spec.processes[*]}{.command}{"|"}{end}' get formation made
}
check "what init prints is taken by the API server" taken
check "and has the Procfile's commands to the letter" commands
