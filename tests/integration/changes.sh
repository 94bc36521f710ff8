#!/usr/bin/env bash
# What the controller does when things change: by the user, by others, by sizes.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api || exit 1
new_controller_user || exit 1
new_namespace changes
check "the controller is ready" run_controller --namespace "$ns" --max-size-changes 1
((failures == 0)) || exit 1

replicas() { becomes "$2" '{.spec.replicas}' get deployment "$1"; }
absent() { [[ -z $(k get "$@" --ignore-not-found -o name) ]]; }
soon() { DEADLINE=2 deadline_s=${SOON:-2} eventually "$@"; }
quantity() { edit "$1" "[{\"op\":\"replace\",\"path\":\"/spec/processes/$2/quantity\",\"value\":$3}]"; }
event() { k get events.events.k8s.io -o json | jq -r --arg name "$1" --arg reason "$2" '.items[] |
	select(.regarding.kind == "Formation" and .regarding.name == $name and .reason == $reason) | .note'; }
uid() { value '{.metadata.uid}' get "$@"; }
revision() { value '{.metadata.annotations.deployment\.kubernetes\.io/revision}' get deployment "$1"; }

# --- scaling and pruning -------------------------------------------------

formation app <<'END'
  image: example.test/app:v1
  processes:
  - {type: web, quantity: 2}
  - {type: worker, quantity: 1}
  - {type: clock}
END
scaled() { replicas app-worker 1 && settled && quantity app 1 4 && soon is 4 value '{.spec.replicas}' get deployment app-worker; }
check "a changed quantity is the Deployment's replicas within a second or two" scaled
check "scaling makes no new revision: no dyno restarts" eventually is 1 revision app-worker
shrunk() { quantity app 0 1 && eventually absent pdb/app-web && replicas app-web 1; }
check "the budget goes when one routed dyno is left" shrunk
grown() { quantity app 0 2 && eventually k get pdb app-web && replicas app-web 2; }
check "and comes back with the second" grown
new_image() {
	edit app '[{"op":"replace","path":"/spec/image","value":"example.test/app:v2"}]' &&
		becomes example.test/app:v2 '{.spec.template.spec.containers[0].image}' get deployment app-web &&
		becomes example.test/app:v2 '{.spec.template.spec.containers[0].image}' get deployment app-clock
}
check "a new image reaches every process" new_image
removed() {
	edit app '[{"op":"remove","path":"/spec/processes/0"}]' && eventually absent deployment/app-web &&
		eventually absent service/app-web && eventually absent pdb/app-web
}
check "a type that is removed goes with all its objects" removed
check "the others stay" replicas app-worker 4
routed() {
	edit app '[{"op":"add","path":"/spec/processes/0/port","value":8080}]' && eventually k get service app-worker &&
		edit app '[{"op":"remove","path":"/spec/processes/0/port"}]' && eventually absent service/app-worker
}
check "a Service comes with the port and goes with it" routed

# --- drift ---------------------------------------------------------------

formation drift <<'END'
  image: example.test/app:v1
  processes: [{type: web, quantity: 2}, {type: worker, quantity: 1}]
END
check "drift: the objects are there" eventually k get deployment/drift-worker service/drift-web pdb/drift-web
check "drift: nothing more is written" settled
edited() { k scale deployment drift-worker --replicas 5 >/dev/null && soon is 1 value '{.spec.replicas}' get deployment drift-worker; }
check "replicas that someone changed are put right within a second or two" edited
image_edited() {
	k set image deployment drift-worker dyno=example.test/evil:v1 >/dev/null &&
		soon is example.test/app:v1 value '{.spec.template.spec.containers[0].image}' get deployment drift-worker
}
check "so is the image" image_edited
service_edited() {
	k patch service drift-web --type merge -p '{"spec":{"selector":{"dyno.dev/formation":"other"}}}' >/dev/null &&
		soon is drift value '{.spec.selector.dyno\.dev/formation}' get service drift-web
}
check "so is the selector of a Service, which has no generation" service_edited
for object in deployment/drift-worker service/drift-web pdb/drift-web; do
	deleted() { local before; before=$(uid "$object") && k delete "$object" >/dev/null && soon k get "$object" && [[ $(uid "$object") != "$before" ]]; }
	check "a $object that someone deleted is made again" deleted
done
said() { eventually says "Deployment drift-worker was changed by someone else" event drift DriftCorrected; }
check "an event says what was put right" said
unlabelled() {
	settled && k label deployment drift-worker dyno.dev/formation- >/dev/null &&
		soon is drift value '{.metadata.labels.dyno\.dev/formation}' get deployment drift-worker
}
before=$(uid deployment/drift-worker)
check "a Deployment that lost its label is found by its owner" unlabelled
check "and is the same one as before" is "$before" uid deployment/drift-worker
fight() {
	local end=$((SECONDS + 6)) before after
	before=$(writes_about "patch deployments $ns/drift-worker")
	while ((SECONDS < end)); do
		k scale deployment drift-worker --replicas 5 >/dev/null
		sleep 0.1 # what something that disagrees does ten times a second
	done
	after=$(writes_about "patch deployments $ns/drift-worker")
	echo "$((after - before)) corrections"
	((after - before <= 12)) && SOON=20 soon is 1 value '{.spec.replicas}' get deployment drift-worker
}
check "something that changes it back all the time is not fought hotly" fight

# --- paused --------------------------------------------------------------

formation rest <<'END'
  image: example.test/app:v1
  processes: [{type: worker, quantity: 1}]
END
paused() {
	replicas rest-worker 1 && settled && edit rest '[{"op":"add","path":"/spec/paused","value":true}]' && settled &&
		quantity rest 0 3 && k delete deployment rest-worker >/dev/null &&
		eventually is Paused reason rest worker && settled && absent deployment/rest-worker
}
check "paused: it is said, and nothing is changed or made again" paused
resumed() { edit rest '[{"op":"replace","path":"/spec/paused","value":false}]' && replicas rest-worker 3; }
check "resumed: everything is done that was waiting" resumed

# --- quantity left out ---------------------------------------------------

formation auto <<'END'
  image: example.test/app:v1
  processes: [{type: worker, quantity: 50}]
END
left_out() {
	replicas auto-worker 50 && settled && edit auto '[{"op":"remove","path":"/spec/processes/0/quantity"}]' &&
		settled && replicas auto-worker 50
}
check "a quantity that is left out leaves 50 dynos at 50" left_out
check "and marks that it was handed over" is "" value '{.metadata.annotations.dyno\.dev/quantity}' get deployment auto-worker
others_scale() {
	k scale deployment auto-worker --replicas 7 >/dev/null && settled && is 7 value '{.spec.replicas}' get deployment auto-worker &&
		eventually is 7 value '{.status.processes[0].desired}' get formation auto
}
check "others scale it then, and the status says so" others_scale
taken_back() { edit auto '[{"op":"add","path":"/spec/processes/0/quantity","value":3}]' && replicas auto-worker 3; }
check "a quantity that is written again counts again" taken_back
formation free <<'END'
  image: example.test/app:v1
  processes: [{type: web}]
END
free() {
	replicas free-web 1 && settled && k scale deployment free-web --replicas 2 >/dev/null && settled &&
		is 2 value '{.spec.replicas}' get deployment free-web && eventually k get pdb free-web
}
check "without a quantity from the start kubectl scale decides, and the budget follows" free

# --- names that are taken ------------------------------------------------

foreign() {
	k create deployment own-web --image example.test/theirs:v1 >/dev/null && k create service clusterip own-admin --tcp 80 >/dev/null &&
		formation own <<'END'
  image: example.test/app:v1
  processes: [{type: web}, {type: admin, port: 80}, {type: worker, quantity: 1}]
END
	eventually is NameConflict reason own web && eventually is NameConflict reason own admin && replicas own-worker 1
}
check "an object of that name that is not ours is a NameConflict of its process alone" foreign
untouched() {
	settled && is example.test/theirs:v1 value '{.spec.template.spec.containers[0].image}' get deployment own-web &&
		is "" value '{.metadata.labels.dyno\.dev/formation}' get deployment own-web &&
		is "" value '{.metadata.ownerReferences}' get deployment own-web &&
		is "" value '{.metadata.ownerReferences}' get service own-admin
}
check "it is never touched" untouched
stalled() { is True condition own Stalled && is False condition own Ready && says "own-web exists" message own web; }
check "a person is told what to do" stalled
freed() { k delete deployment own-web >/dev/null && eventually is example.test/app:v1 value '{.spec.template.spec.containers[0].image}' get deployment own-web; }
check "when it is gone the process gets its Deployment" freed
namesakes() {
	formation a <<'END'
  image: example.test/app:v1
  processes: [{type: b-c, quantity: 1}]
END
	eventually k get deployment a-b-c || return 1
	formation a-b <<'END'
  image: example.test/app:v1
  processes: [{type: c, quantity: 2}]
END
	eventually is NameConflict reason a-b c && is a value '{.metadata.labels.dyno\.dev/formation}' get deployment a-b-c
}
check "two Formations that need one name: the first keeps it" namesakes
handed_on() { k delete formation a >/dev/null && eventually is a-b value '{.metadata.labels.dyno\.dev/formation}' get deployment a-b-c; }
check "and the second gets it when the first is gone" handed_on

again() {
	local before
	before=$(uid deployment/own-worker) && k delete formation own >/dev/null && formation own <<'END'
  image: example.test/app:v1
  processes: [{type: worker, quantity: 1}]
END
	fresh() { [[ $(uid deployment/own-worker) != "$before" ]] && is "$(uid formation/own)" value '{.metadata.ownerReferences[0].uid}' get deployment own-worker; }
	eventually fresh
}
check "a Formation that is deleted and made again at once gets objects of its own" again

# --- singletons ----------------------------------------------------------

singleton_on() {
	formation single <<'END'
  image: example.test/app:v1
  processes: [{type: leader, quantity: 1}]
END
	becomes RollingUpdate '{.spec.strategy.type}' get deployment single-leader && settled &&
		edit single '[{"op":"add","path":"/spec/processes/0/singleton","value":true}]' &&
		becomes Recreate '{.spec.strategy.type}' get deployment single-leader
}
check "a type that becomes a singleton gets another Deployment" singleton_on
singleton_off() {
	edit single '[{"op":"replace","path":"/spec/processes/0/singleton","value":false}]' &&
		becomes RollingUpdate '{.spec.strategy.type}' get deployment single-leader
}
check "and back" singleton_off

# --- sizes ---------------------------------------------------------------

size=size-$$
dyno_size() {
	printf 'apiVersion: dyno.dev/v1\nkind: DynoSize\nmetadata: {name: %s}\nspec: {memory: %s, cpu: 50m}\n' "$size" "$1" |
		kubectl apply -f - >/dev/null
}
memory() { value '{.spec.template.spec.containers[0].resources.limits.memory}' get deployment "$1"; }
unknown() {
	formation big <<END
  image: example.test/app:v1
  processes: [{type: worker, quantity: 1, size: ${size^^}}, {type: other, quantity: 1}]
END
	eventually is UnknownSize reason big worker && says "there is no size ${size^^}" message big worker &&
		says "1X, 2X, PX" message big worker && replicas big-other 1
}
check "a size that isn't there is told with those that are, and the other process goes on" unknown
appears() { dyno_size 64Mi && eventually is 64Mi memory big-worker; }
check "when the size appears the process that names it is made" appears
goes_on() {
	settled && kubectl delete dynosize "$size" >/dev/null && eventually is UnknownSize reason big worker &&
		is 64Mi memory big-worker && dyno_size 64Mi && eventually fails is UnknownSize reason big worker
}
check "a size that is deleted leaves what runs running" goes_on
for name in turn1 turn2 turn3; do
	formation $name <<END
  image: example.test/app:v1
  processes: [{type: worker, quantity: 1, size: $size}]
END
done
k delete formation big >/dev/null
all_ready() {
	local name
	for name in "$@"; do run_pods "$name" worker && is True condition "$name" Ready || return 1; done
}
check "three Formations of that size are ready" eventually all_ready turn1 turn2 turn3
restarted() {
	k annotate formation turn3 dyno.dev/restarted-at=2026-11-24T00:00:00Z >/dev/null &&
		becomes 2026-11-24T00:00:00Z '{.spec.template.metadata.annotations.dyno\.dev/restarted-at}' get deployment turn3-worker &&
		settled
}
check "one of them is restarted, and not ready for now" restarted
changed_sizes() { for name in turn1 turn2 turn3; do memory $name-worker; echo; done | sort | uniq -c | xargs; }
one_by_one() {
	settled && dyno_size 96Mi && eventually is "2 64Mi 1 96Mi" changed_sizes && stays 3 is "2 64Mi 1 96Mi" changed_sizes
}
check "a size that changes is followed by as many Formations at a time as --max-size-changes says" one_by_one
user_first() {
	local waiting
	for waiting in turn1 turn2 turn3; do [[ $(memory $waiting-worker) == 96Mi ]] || break; done
	quantity $waiting 0 2 && replicas $waiting-worker 2 && is 96Mi memory $waiting-worker
}
check "who waits is not kept from what its user asks for" user_first
follow() { run_pods turn1 worker; run_pods turn2 worker; run_pods turn3 worker; is "3 96Mi" changed_sizes; }
check "the others follow as those before get ready" eventually follow
kubectl delete dynosize "$size" >/dev/null

# --- quiet ---------------------------------------------------------------

check "in the end everything is at rest" settled
check "no write is refused that the controller should not have tried" \
	is "" eval 'writes | grep -vE " (200|201|409|404)$|pods/resize .* 422$"'
