#!/usr/bin/env bash
# How a controller learns what there is: by streams, or by pages if it is told to, by the API server's audit log.
. "$(dirname "$0")/../lib.sh"
. "$root/tests/controller.sh"

install_api && new_controller_user || exit 1
new_namespace listed
trap 'status=$?; end_controller_user; (exit $status); finish_tests' EXIT

# asked_for VERB: the resources, each once, that the controller has listed, or asked to be streamed
asked_for() {
	jq -r --arg user "$controller_user" --arg verb "$1" 'select(.user.username == $user and .verb == $verb) |
		select($verb == "list" or (.requestURI | test("[?&]sendInitialEvents=true"))) | .objectRef.resource' \
		"$(hack/cluster/dir --name "$CLUSTER_NAME")/audit.log" | sort -u | xargs
}
all="deployments dynosizes formations poddisruptionbudgets pods services"
has_dynos() { formation "$1" <<<'  image: example.test/web:v1' && becomes 1 '{.spec.replicas}' get deployment "$1-web"; }

check "the controller is ready" run_controller --namespace "$ns"
check "what there is came as streams" is "$all" asked_for watch
check "and nothing was listed" is "" asked_for list
check "what is new comes, too" has_dynos streamed
stop_controller
check "a controller that is to have pages is ready" run_controller --namespace "$ns" --watch-list=false
check "what there is was listed" is "$all" asked_for list
check "and what is new comes" has_dynos paged
check "of both, the first is still known" becomes 1 '{.status.processes[0].desired}' get formation streamed
