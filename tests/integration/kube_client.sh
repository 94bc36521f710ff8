#!/usr/bin/env bash
# pkg/kube against the API server of $KUBECONFIG: builds kube_client.c and runs it. $CLUSTER_NAME names the cluster,
# whose API server is restarted in the middle.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${BUILD:-build/release}
program=$build/tests/integration/kube_client

make -s PROFILE="${build##*/}" "$build/libformation.a" "$program.o" >&2
link=()
[[ $build == */asan ]] && link=(-fsanitize=address,undefined)
# shellcheck disable=SC2046 # words of pkg-config
gcc "${link[@]}" -pie "$program.o" "$build/libformation.a" \
	$(pkg-config --libs libcurl yajl yaml-0.1 openssl libevent_core libevent_extra) -lcmocka -o "$program"
exec env CMOCKA_MESSAGE_OUTPUT=TAP "$program"
