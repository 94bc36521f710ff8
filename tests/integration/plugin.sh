#!/usr/bin/env bash
# kubectl formation against a real control plane: every verb, as people type it.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"
PATH=$root/bin:$PATH

install_api || exit 1
new_namespace plugin
new_controller_user || exit 1

f() { kubectl formation "$@" -n "$ns" </dev/null; }
quantity() { value "{.spec.processes[?(@.type==\"$2\")].quantity}" get formation "$1"; }

formation shop <<'END'
  image: example.test/shop:v1
  processes:
  - {type: web, command: 'exec unicorn -p $PORT', quantity: 2, size: 2X}
  - {type: worker, args: [sidekiq, -q, mail], quantity: 1}
  - {type: clock, command: clockwork clock.rb, quantity: 1}
  - {type: elastic, command: elastic}
END

# --- without a controller ----------------------------------------------
check "kubectl finds the plugin, and it lists its verbs" says 'Say how many dynos run' kubectl formation -h
check "scale without words prints the formation in the form it takes" is \
	'web=2:2X worker=1:1X clock=1:1X elastic=1:1X' f scale
check "the listing has a head for each type" is '=== web (2X): `exec unicorn -p $PORT`

=== worker (1X): `sidekiq -q mail`

=== clock (1X, singleton): `clockwork clock.rb`

=== elastic (1X): `elastic`' f ps
check "--no-wait returns once the change is accepted" is \
	'Scaling web processes... accepted, will run 4:2X' f scale web=4 --no-wait
check "several words are one change, commas are taken" is \
	'Scaling web processes... accepted, will run 3
Scaling worker processes... accepted, will run 2' f ps:scale web=3:1X, worker+1 --no-wait
check "what was asked for is stored" is 'web=3:1X worker=2:1X clock=1:1X elastic=1:1X' f scale
generations() { value '{.metadata.generation}' get formation shop; }
refusals() {
	local before word text
	before=$(generations)
	while IFS='|' read -r word text; do
		# shellcheck disable=SC2086
		refused "$text" f scale $word || return 1
	done <<-'END'
		web=x|web=x: expected a number
		web=1 nope=2|nope=2: shop has no process type nope
		web=1 web+1|web is named twice
		worker-3|worker-3: worker has 2, and never fewer than 0
		web=1 clock=2|clock=2: clock is a singleton
		web=1001|web=1001: a quantity is at most 1000
		web=2:9X|there is no size 9X: there are 1X, 2X, PX
		web|web: expected TYPE=N
	END
	[[ $(generations) == "$before" ]]
}
check "a change that cannot be is refused by its word, and nothing is written" refusals
check "an unknown flag ends with 2" bash -c "kubectl formation scale --nope; [[ \$? == 2 ]]"
check "--dry-run=server changes nothing" says 'web=9' f scale web=9 --dry-run=server
check "--dry-run tells objects and what is reserved" says 'reserved: cpu +600m, memory +3Gi' f scale web=9 --dry-run
check "and changes nothing either" is 3 quantity shop web
left_out() { f scale elastic=2 --no-wait >/dev/null && is 2 quantity shop elastic; }
check "a quantity that was left out is written" left_out
formation plain <<'END'
  image: example.test/plain:v1
END
default_written() { f scale plain web=1 --no-wait >/dev/null && is 1 quantity plain web; }
check "so is the default formation's" default_written
check "with two Formations one has to be named" refused 'has 2 Formations (plain, shop): say which' f scale
check "-a names it" is 'web=1:1X' f scale -a plain
check "a name that isn't there says so" refused 'there is no Formation nope' f scale -a nope

k apply -f - >/dev/null <<'END'
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: grower}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop-worker}
  minReplicas: 1
  maxReplicas: 3
END
check "a type that an HPA targets is refused, naming it" refused 'the HorizontalPodAutoscaler grower decides' \
	f scale -a shop worker=2 web=1

printf 'apiVersion: dyno.dev/v1\nkind: Formation\nmetadata: {name: owned}\nspec: {image: i, processes: [{type: web, quantity: 2}]}\n' |
	k apply --server-side --field-manager=argocd-controller -f - >/dev/null
check "what Argo CD owns is refused on a pipe" refused 'Argo CD (argocd-controller) owns this' f scale owned web=3
check "and done with --force, with a warning" says 'will revert it' f scale owned web=3 --force --no-wait
check "so that it is" is 3 quantity owned web

fifty() {
	local i pids=()
	for ((i = 0; i < 50; i++)); do
		f scale -a plain web+1 --no-wait >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || return 1; done
	is 51 quantity plain web
}
check "50 times web+1 at once is +50" fifty
check "a closed pipe is no error" bash -c "set -o pipefail; kubectl formation ps -a shop -n $ns | true"
interrupted() {
	local status=0
	timeout -s INT 2 kubectl formation scale -a plain web=2 -n "$ns" >"$work/int" 2>&1 || status=$?
	says 'interrupted: web=2 stays in effect' cat "$work/int" && is 2 quantity plain web
}
check "Ctrl-C says what stays in effect" interrupted

# --- with a controller -------------------------------------------------
check "the controller gets ready" run_controller --namespace "$ns"
pods_of() { pod_names "$1" "$2" | wc -l; }
k delete hpa grower >/dev/null
waits() {
	f scale -a plain web=3 >"$work/scaled" 2>&1 &
	local pid=$!
	eventually is 3 pods_of plain web || return 1
	eventually run_pods plain web || return 1
	wait "$pid" && is 'Scaling web processes... done, now running 3' cat "$work/scaled"
}
check "scale waits until that many run, and says it as Heroku does" waits
check "ps has stable names, states and ages" eventually says 'web.1: up for' f ps plain
check "ps -o json is data" says '"state": "up"' f ps plain -o json
check "ps -o name is for xargs" says 'pod/plain-web-' f ps plain -o name
check "ps -o wide has size and memory" says 'size=1X restarts=0 memory=512Mi' f ps plain -o wide
restarted() {
	is 'Restarting web dynos on plain... done' f restart plain web || return 1
	eventually says T value '{.spec.template.metadata.annotations.dyno\.dev/restarted-at}' get deployment plain-web
}
check "restart rolls a type, by an annotation carried into its pods" restarted
not_others() { [[ -z $(value '{.spec.template.metadata.annotations.dyno\.dev/restarted-at}' get deployment shop-web) ]]; }
check "and no other" not_others
one() {
	local pod
	eventually says worker.1 f ps shop worker || return 1
	pod=$(f ps shop worker -o name | head -n 1)
	f restart shop worker.1 || return 1
	eventually fails k get "$pod"
}
check "restart of one dyno ends its pod" one
check "restart of a dyno that isn't there says so" refused 'shop has no dyno worker.99' f restart shop worker.99

in_terminal() { # COMMAND: its output in a real terminal, for two seconds at most
	timeout -s INT 4 script -qec "stty cols 20 rows 10; timeout -s INT 2 kubectl formation $* -n $ns" /dev/null </dev/null
}
check "ps -w draws in a terminal of 20 columns, and leaves it clean" says $'\033[?1049l' in_terminal ps plain -w
