#!/usr/bin/env bash
# Who the controller is: exec plugins that make certificates, made again while it runs; kubeconfigs that are merged.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api && new_controller_user || exit 1
new_namespace credentials
kubectl config view --raw --kubeconfig "$controller_kubeconfig" -o json >"$work/config.json"
jq -r '.users[0].user["client-certificate-data"]' "$work/config.json" | base64 -d >"$work/user.crt"
jq -r '.users[0].user["client-key-data"]' "$work/config.json" | base64 -d >"$work/user.key"
# The plugin gives the user's own certificate, for as many seconds as the file life says; each run is a line of runs.
cat >"$work/plugin" <<'EOF'
#!/usr/bin/env bash
cd "$(dirname "$0")" && echo run >>runs || exit 1
[[ ! -e broken ]] || { echo "no card in the reader" >&2; exit 4; }
jq -n --rawfile cert user.crt --rawfile key user.key --arg until "$(date -u -d "+$(cat life) seconds" +%FT%TZ)" '{
	kind: "ExecCredential", apiVersion: "client.authentication.k8s.io/v1",
	status: {clientCertificateData: $cert, clientKeyData: $key, expirationTimestamp: $until}}'
EOF
chmod +x "$work/plugin"
jq '.users[0].user = {exec: {command: "./plugin", apiVersion: "client.authentication.k8s.io/v1", interactiveMode: "Never"}}' \
	"$work/config.json" >"$work/config"
controller_kubeconfig=$work/config
runs() { grep -c run "$work/runs"; }
spec='  image: example.test/app:v1
  processes: [{type: web, quantity: 1}]'
scaled() { edit app '[{"op":"replace","path":"/spec/processes/0/quantity","value":'"$1"'}]' && becomes "$1" '{.spec.replicas}' get deployment app-web; }

echo 3600 >"$work/life"
check "a plugin's certificate opens the door" run_controller
works() { formation app <<<"$spec" && eventually k get deployment/app-web; }
check "and work is done with it" works
check "it was run once" is 1 runs

echo 12 >"$work/life"
: >"$work/runs"
short() { restart_controller && eventually grep -q 'made again by' "$work/controller.log"; }
check "a certificate that ends soon is made again before it does" short
check "and the next one, as often as that takes" eventually at_least 3 runs
check "work goes on with the new one" scaled 2
touch "$work/broken"
told() { eventually grep -q 'WARN credentials: .*failed with exit status 4.*keeping the old' "$work/controller.log"; }
check "a plugin that fails is told" told
check "and the old certificate stays in use" scaled 3
rm "$work/broken"
again() { : >"$work/runs" && DEADLINE=30 eventually at_least 1 runs; }
check "until it works again" again
stop_controller
check "SIGTERM is status 0" is 0 echo "$controller_status"

touch "$work/broken"
fails_at_start() {
	! timeout 20 "$controller" --kubeconfig "$controller_kubeconfig" 2>"$work/text" && says 'user "' tail -n 1 "$work/text" &&
		says "exec: $work/./plugin failed with exit status 4" tail -n 1 "$work/text"
}
check "one that fails at the start is one line with who and why" fails_at_start
rm "$work/broken"
echo 3600 >"$work/life"

# --- $KUBECONFIG lists -----------------------------------------------------

jq 'del(.users, .contexts, ."current-context")' "$work/config" >"$work/clusters"
jq '{apiVersion, kind, users, contexts, "current-context"}' "$work/config" >"$work/users"
merged() {
	KUBECONFIG=$work/none:$work/users:$work/clusters "$controller" --metrics-bind-address 0 --health-probe-bind-address 0 \
		2>>"$work/merged.log" &
	controller_pid=$!
	eventually grep -q 'caches synced' "$work/merged.log"
}
check "cluster and user can stand in files of a list, one of which isn't there" merged
stop_controller
