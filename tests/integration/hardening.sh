#!/usr/bin/env bash
# What an attacker would find: the binary's flags, the pod's limits, the system calls it makes, what is in its log.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api && new_controller_user || exit 1
new_namespace hardening
binary=$root/bin/formation-controller # as it is shipped, whatever is tested

# --- the binary ------------------------------------------------------------

elf() { says "$2" readelf "$1" -W "$binary"; }
check "it is position-independent" elf -h 'DYN (Position-Independent'
check "relocations are read-only" elf -l GNU_RELRO
check "and bound at the start" elf -d BIND_NOW
no_exec_stack() { readelf -lW "$binary" | grep GNU_STACK | grep -q ' RW ' && ! readelf -lW "$binary" | grep -q 'RWE'; }
check "neither the stack nor anything else is writable and executable" no_exec_stack
check "frames have guards" elf --dyn-syms __stack_chk_fail
fortified() { at_least 4 eval "readelf -W --dyn-syms '$binary' | grep -cE '(mem|str|snprintf|vsnprintf|fprintf|printf|read|poll|longjmp)[a-z]*_chk@'"; }
check "calls of libc are checked" fortified
check "no library path is built in" eval "! readelf -dW '$binary' | grep -qE 'RPATH|RUNPATH'"

# --- the installation ------------------------------------------------------

rendered() { kubectl kustomize deploy/base | kubectl create --dry-run=client -o json -f - 2>/dev/null | jq -c 'if .kind == "List" then .items[] else . end'; }
pod_spec() { rendered | jq -c 'select(.kind == "Deployment") | .spec.template.spec'; }
kubectl label namespace "$ns" pod-security.kubernetes.io/enforce=restricted >/dev/null
as_pod() { pod_spec | jq '{apiVersion: "v1", kind: "Pod", metadata: {name: "controller"}, spec: (. + {serviceAccountName: "default"})}'; }
check "its pod passes the restricted Pod Security Standard" eval 'as_pod | k create --dry-run=server -f -'
loosened() { as_pod | jq '.spec.containers[0].securityContext.allowPrivilegeEscalation = true' >"$work/pod.json" && refused 'violates PodSecurity "restricted' k create --dry-run=server -f "$work/pod.json"; }
check "which is enforced here" loosened
check "its root is read-only" is true eval "pod_spec | jq .containers[0].securityContext.readOnlyRootFilesystem"
check "nothing but its token is mounted" is null eval "pod_spec | jq .volumes"
check "memory has a limit" is 64Mi eval "pod_spec | jq -r .containers[0].resources.limits.memory"
covers() { is "$(rendered | jq -c 'select(.kind == "Deployment") | .spec.selector.matchLabels')" eval "rendered | jq -c 'select(.kind == \"NetworkPolicy\") | .spec.podSelector.matchLabels'"; }
check "a NetworkPolicy is about its pods" covers
check "in both directions" is '["Ingress","Egress"]' eval "rendered | jq -c 'select(.kind == \"NetworkPolicy\") | .spec.policyTypes'"
profile() { kubectl kustomize deploy/overlays/seccomp | grep -A1 'localhostProfile: formation-controller.json' | grep -q 'type: Localhost'; }
check "an overlay puts it under its own seccomp profile" profile
wildcards() { rendered | jq -c 'select(.kind | test("Role$")) | .rules[]? | select([.apiGroups[]?, .resources[]?, .verbs[]?] | index("*") or (index("secrets")) or (index("escalate")) or (index("bind")) or (index("impersonate")))'; }
check "no role has a wildcard, secrets, escalate, bind or impersonate" is "" wildcards

# --- system calls ----------------------------------------------------------

if command -v strace >/dev/null; then
	traced() {
		strace -f -qq -o "$work/trace" "$binary" --kubeconfig "$controller_kubeconfig" --namespace "$ns" \
			--metrics-bind-address 127.0.0.1:0 --health-probe-bind-address 127.0.0.1:0 2>"$work/controller.log" &
		controller_pid=$!
		eventually grep -q 'caches synced' "$work/controller.log" || return 1
		formation app <<<'  image: example.test/app:v1
  processes: [{type: web, quantity: 1}]'
		eventually k get deployment/app-web service/app-web || return 1
		pkill -TERM -P "$controller_pid" # strace passes nothing on
		wait "$controller_pid"
		controller_pid=
		sed -nE 's/^[0-9]+ +([a-z_0-9]+)\(.*/\1/p' "$work/trace" | sort -u >"$work/called"
		at_least 20 eval "wc -l <'$work/called'"
	}
	check "it does its work under a trace" traced
	jq -r '.syscalls[].names[]' deploy/seccomp/formation-controller.json | sort -u >"$work/allowed"
	check "the seccomp profile has every system call it makes" is "" comm -23 "$work/called" "$work/allowed"
else
	skip "the seccomp profile has every system call it makes" "strace is not installed"
fi
dangerous() { grep -xE 'ptrace|mount|umount2|setns|unshare|bpf|keyctl|init_module|finit_module|kexec_load|process_vm_readv|chroot|pivot_root|setuid|setgid|chmod|chown|unlink|rename|mkdir' "$work/allowed"; }
jq -r '.syscalls[].names[]' deploy/seccomp/formation-controller.json >"$work/allowed"
check "and none of those that attackers want" is "" dangerous

# --- secrets ---------------------------------------------------------------

kubectl config view --raw --kubeconfig "$controller_kubeconfig" -o json >"$work/config.json"
: >"$work/controller.log"
secret=hunter2-$RANDOM-$RANDOM
jq --arg token "$secret" '.users[0].user = {token: $token}' "$work/config.json" >"$work/token"
unauthorized() { launch_controller --kubeconfig "$work/token" && eventually says "Unauthorized" readyz; }
check "a token that is refused is reported" unauthorized
check "and stands in no line of the log, at the level debug" is 0 grep -c "$secret" "$work/controller.log"
check "nor in /readyz or /metrics" eval '! { readyz; metrics; } | grep -q "$secret"'
stop_controller
run_controller --namespace "$ns"
spec_secret() {
	formation secret <<<"  image: example.test/app:v1
  env: [{name: PASSWORD, value: $secret}]
  processes: [{type: web, quantity: 1}]" && eventually k get deployment/secret-web && settled
}
check "a Formation with a password in env is worked on" spec_secret
check "and its value stands in no line of the log" is 0 grep -c "$secret" "$work/controller.log"
