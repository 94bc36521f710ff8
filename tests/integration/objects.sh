#!/usr/bin/env bash
# What a process becomes: every object and field of docs/api.md, as the API server stores it.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api || exit 1
new_namespace objects
new_controller_user || exit 1
check "the controller gets ready with no rights but those of deploy/base" run_controller --namespace "$ns"
((failures == 0)) || exit 1

formation shop <<'END'
  image: example.test/shop:v1
  imagePullPolicy: IfNotPresent
  imagePullSecrets: [{name: regcred}]
  serviceAccountName: default
  securityContext: {runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1001, fsGroup: 1002}
  env:
  - {name: RACK_ENV, value: production}
  - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: one}}}
  envFrom: [{secretRef: {name: shop-config, optional: true}}]
  processes:
  - {type: web, command: 'exec unicorn -p $PORT -e $(RACK) $$', quantity: 2, size: 2X}
  - type: worker
    args: [bundle, exec, sidekiq]
    image: example.test/worker:v2
    env: [{name: QUEUE, value: mail}, {name: RACK_ENV, value: staging}]
    terminationGracePeriodSeconds: 90
  - {type: clock, command: clockwork clock.rb}
  - {type: scheduler, command: tick, singleton: false, quantity: 2}
  - {type: leader, command: lead, singleton: true, quantity: 0}
  - {type: admin, command: serve, port: 8081, health: {path: /healthz}, quantity: 1}
  - {type: big, size: px, quantity: 1}
END
formation plain <<'END'
  image: example.test/plain:v1
END

c='{.spec.template.spec.containers[0]'
table <<END
a process becomes a Deployment named formation-type | deployment/shop-web | {.metadata.name} | shop-web
replicas are the quantity | deployment/shop-web | {.spec.replicas} | 2
quantity 0 is no dyno | deployment/shop-leader | {.spec.replicas} | 0
the Formation is the controlling owner | deployment/shop-web | {.metadata.ownerReferences[0]['kind','name','controller','blockOwnerDeletion']} | Formation shop true true
the Service has the same owner | service/shop-web | {.metadata.ownerReferences[0]['kind','name','controller','blockOwnerDeletion']} | Formation shop true true
so has the PodDisruptionBudget | pdb/shop-web | {.metadata.ownerReferences[0]['kind','name','controller','blockOwnerDeletion']} | Formation shop true true
objects are labelled with formation and type | deployment/shop-web | {.metadata.labels['dyno\.dev/formation','dyno\.dev/type']} | shop web
and with app.kubernetes.io names | service/shop-web | {.metadata.labels['app\.kubernetes\.io/name','app\.kubernetes\.io/component','app\.kubernetes\.io/part-of','app\.kubernetes\.io/managed-by']} | shop web shop formation-controller
pods have the size as a label | deployment/shop-web | {.spec.template.metadata.labels['dyno\.dev/size']} | 2X
every process runs the formation's image | deployment/shop-web | $c.image} | example.test/shop:v1
a process may name its own image | deployment/shop-worker | $c.image} | example.test/worker:v2
imagePullPolicy is carried over | deployment/shop-web | $c.imagePullPolicy} | IfNotPresent
imagePullSecrets are carried over | deployment/shop-web | {.spec.template.spec.imagePullSecrets[0].name} | regcred
a service account is carried over | deployment/shop-web | {.spec.template.spec.serviceAccountName} | default
and its token mounted | deployment/shop-web | {.spec.template.spec.automountServiceAccountToken} |
without a service account no token is mounted | deployment/plain-web | {.spec.template.spec.automountServiceAccountToken} | false
securityContext is the pods' | deployment/shop-web | {.spec.template.spec.securityContext['runAsNonRoot','runAsUser','runAsGroup','fsGroup']} | true 1000 1001 1002
seccompProfile is RuntimeDefault | deployment/shop-web | {.spec.template.spec.securityContext.seccompProfile.type} | RuntimeDefault
no privilege escalation | deployment/shop-web | $c.securityContext.allowPrivilegeEscalation} | false
all capabilities are dropped | deployment/shop-web | $c.securityContext.capabilities.drop} | ["ALL"]
no service links | deployment/shop-web | {.spec.template.spec.enableServiceLinks} | false
a command is a line for the shell | deployment/shop-worker | $c.command} |
dollar signs reach the shell as written | deployment/shop-web | $c.command[2]} | exec unicorn -p \$PORT -e \$\$(RACK) \$\$\$\$
the shell is /bin/sh -c | deployment/shop-clock | $c.command} | ["/bin/sh","-c","clockwork clock.rb"]
args go to the image's entrypoint | deployment/shop-worker | $c.args} | ["bundle","exec","sidekiq"]
neither: the image's entrypoint | deployment/plain-web | $c['command','args']} |
env of the formation | deployment/shop-web | $c.env[?(@.name=="RACK_ENV")].value} | production
env of a process replaces by name | deployment/shop-worker | $c.env[?(@.name=="RACK_ENV")].value} | staging
env of a process is added | deployment/shop-worker | $c.env[?(@.name=="QUEUE")].value} | mail
env from a Secret's key | deployment/shop-web | $c.env[?(@.name=="KEY")].valueFrom.secretKeyRef['name','key']} | keys one
envFrom are the config vars | deployment/shop-web | $c.envFrom[0].secretRef['name','optional']} | shop-config true
DYNO is type and pod name | deployment/shop-web | $c.env[?(@.name=="DYNO")].value} | web.\$(DYNO_POD)
DYNO_POD is the pod's name | deployment/shop-web | $c.env[?(@.name=="DYNO_POD")].valueFrom.fieldRef.fieldPath} | metadata.name
DYNO_TYPE is the type | deployment/shop-worker | $c.env[?(@.name=="DYNO_TYPE")].value} | worker
FORMATION is the formation's name | deployment/shop-web | $c.env[?(@.name=="FORMATION")].value} | shop
DYNO_SIZE is read from the pod's label | deployment/shop-web | $c.env[?(@.name=="DYNO_SIZE")].valueFrom.fieldRef.fieldPath} | metadata.labels['dyno.dev/size']
PORT is 5000 | deployment/shop-web | $c.env[?(@.name=="PORT")].value} | 5000
PORT is the process's port | deployment/shop-admin | $c.env[?(@.name=="PORT")].value} | 8081
a process that is not routed has no PORT | deployment/shop-worker | $c.env[?(@.name=="PORT")].value} |
nor a port | deployment/shop-worker | $c.ports} |
a routed process has a named port | deployment/shop-web | $c.ports[0]['name','containerPort']} | http 5000
readiness is a TCP connect to the port | deployment/shop-web | $c.readinessProbe.tcpSocket.port} | http
or an HTTP GET where health has a path | deployment/shop-admin | $c.readinessProbe.httpGet['path','port']} | /healthz http
preStop sleeps for five seconds | deployment/shop-web | $c.lifecycle.preStop.sleep.seconds} | 5
only where requests come | deployment/shop-worker | $c.lifecycle} |
grace is 30 seconds | deployment/shop-web | {.spec.template.spec.terminationGracePeriodSeconds} | 30
unless the process says another | deployment/shop-worker | {.spec.template.spec.terminationGracePeriodSeconds} | 90
memory of the size is request and limit | deployment/shop-web | $c.resources['requests','limits'].memory} | 1Gi 1Gi
cpu of the size is the request | deployment/shop-web | $c.resources.requests.cpu} | 200m
with no limit | deployment/shop-web | $c.resources.limits.cpu} |
the default size is 1X | deployment/shop-worker | $c.resources.requests['memory','cpu']} | 512Mi 100m
a dedicated size has requests as limits | deployment/shop-big | $c.resources['requests','limits']['memory','cpu']} | 6Gi 6Gi 4 4
sizes match without regard to case | deployment/shop-big | {.spec.template.metadata.labels['dyno\.dev/size']} | PX
resizing needs no restart | deployment/shop-web | $c.resizePolicy[*].restartPolicy} | NotRequired NotRequired
rollouts keep every dyno up | deployment/shop-web | {.spec.strategy.rollingUpdate['maxUnavailable','maxSurge']} | 0 25%
of other processes, too | deployment/shop-worker | {.spec.strategy.rollingUpdate['maxUnavailable','maxSurge']} | 0 25%
a dedicated size has no surge | deployment/shop-big | {.spec.strategy.rollingUpdate['maxUnavailable','maxSurge']} | 1 0
a singleton is recreated | deployment/shop-clock | {.spec.strategy.type} | Recreate
a clock is a singleton by its name | deployment/shop-clock | {.spec.selector.matchLabels['dyno\.dev/singleton']} | true
its pods are labelled so | deployment/shop-clock | {.spec.template.metadata.labels['dyno\.dev/singleton']} | true
a singleton without a quantity has one dyno | deployment/shop-clock | {.spec.replicas} | 1
a scheduler that says so is none | deployment/shop-scheduler | {.spec.strategy.type} | RollingUpdate
and has its quantity | deployment/shop-scheduler | {.spec.replicas} | 2
any type can be a singleton | deployment/shop-leader | {.spec.strategy.type} | Recreate
web has a Service on port 80 | service/shop-web | {.spec.ports[0]['name','port','targetPort']} | http 80 http
so has any process with a port | service/shop-admin | {.spec.ports[0]['name','port','targetPort']} | http 80 http
the Service selects the process's dyno | service/shop-web | {.spec.selector['dyno\.dev/formation','dyno\.dev/type']} | shop web
two routed dynos have a budget | pdb/shop-web | {.spec.maxUnavailable} | 1
the default formation is one web | deployment/plain-web | {.metadata.labels['dyno\.dev/type']} | web
with a Service | service/plain-web | {.spec.ports[0].port} | 80
END

absent() { [[ -z $(k get "$@" --ignore-not-found -o name) ]]; }
check "the Formation has settled" settled
for object in service/shop-worker service/shop-clock service/shop-big pdb/shop-admin pdb/shop-worker \
	pdb/plain-web pdb/shop-scheduler; do
	check "there is no $object" absent "$object"
done

managers() { k get "$1" -o json --show-managed-fields | jq -r '.metadata.managedFields[] | select(.manager == "formation-controller") | .operation'; }
for object in deployment/shop-web service/shop-web pdb/shop-web; do
	check "$object is written by server-side apply as formation-controller" is Apply managers "$object"
done

# Others' fields stay: a sidecar, a toleration, an annotation.
add_others() {
	k patch deployment shop-web --type strategic -p '{"metadata":{"annotations":{"example.test/team":"a"}},"spec":
		{"template":{"spec":{"tolerations":[{"key":"spot","operator":"Exists"}],"containers":[{"name":"proxy",
		"image":"example.test/proxy:v1"}]}}}}' >/dev/null
}
others() { value '{.metadata.annotations.example\.test/team} {.spec.template.spec.tolerations[0].key} {.spec.template.spec.containers[*].name}' get deployment shop-web | tr ' ' '\n' | sort | xargs; }
with_others() {
	add_others && settled && is "a dyno proxy spot" others &&
		edit shop '[{"op":"replace","path":"/spec/processes/0/quantity","value":3}]' &&
		becomes 3 '{.spec.replicas}' get deployment shop-web && is "a dyno proxy spot" others
}
check "fields of other managers stay" with_others

# Pods carry their dyno's name.
dynos() { value '{range .items[*]}{.metadata.labels.dyno\.dev/dyno}={.metadata.annotations.controller\.kubernetes\.io/pod-deletion-cost}{"\n"}{end}' get pods -l "dyno.dev/formation=shop,dyno.dev/type=$1" | sort; }
check "each pod has the lowest free number as its dyno's name, and the cost of its deletion" \
	eventually is $'scheduler.1=-1\nscheduler.2=-2' dynos scheduler
replaced() {
	local pod
	pod=$(k get pods -l dyno.dev/dyno=scheduler.1 -o name) && k delete "$pod" --wait=true >/dev/null &&
		eventually is $'scheduler.1=-1\nscheduler.2=-2' dynos scheduler
}
check "a new pod takes the number that became free" replaced
gone_first() {
	edit shop '[{"op":"replace","path":"/spec/processes/3/quantity","value":1}]' &&
		eventually is 'scheduler.1=-1' dynos scheduler
}
check "scaling down takes the highest number first" gone_first

collected() {
	k delete formation shop --wait=false >/dev/null && eventually absent deployment/shop-web &&
		eventually absent service/shop-web && eventually absent pdb/shop-web
}
check "deleting the Formation collects what it owns" collected
no_secret() { ! grep -qE 'production|example.test/team' "$work"/controller.log*; }
check "no value of a variable is logged" no_secret
