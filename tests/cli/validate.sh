#!/usr/bin/env bash
# `validate` agrees with the API server: the manifests of integration/admission/, which admission.sh gives to a real one,
# are judged as they say. Every problem that is said has to be one that the server says too.
: "${KUBECONFIG:=/nonexistent}"
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
cases=tests/integration/admission

# In the server's words: without the place, with `unknown field "PATH"`, and without the value before the message of a
# rule, which not every version of Kubernetes shows.
problems() {
	kubectl-formation validate -f "$1" 2>&1 | sed -E -e "s|^$1:[0-9]+:[0-9]+: ||" \
		-e 's/^([^ ]*): unknown field.*/unknown field "\1"/' \
		-e 's/Invalid value: "[^"]*": (must|name|the name|process type) /Invalid value: \1 /'
}

agrees() {
	local text problem found want=()
	mapfile -t want < <(sed -n 's/^# refused: //p' "$1")
	if ((${#want[@]} == 0)); then
		kubectl-formation validate -f "$1"
		return
	fi
	if kubectl-formation validate -f "$1"; then return 1; fi
	[[ $1 == */formation-processes-map.yaml ]] && return # the server finds the fields within it unknown first
	problems "$1" >"$work/problems"
	while IFS= read -r problem; do
		found=
		for text in "${want[@]}"; do [[ $problem == *"$text"* ]] && found=1; done
		[[ $found ]] || { echo "the server does not say: $problem" && return 1; }
	done <"$work/problems"
}

for file in "$cases"/*.yaml; do
	sentence=$(head -1 "$file")
	check "${sentence#\# }" agrees "$file"
done
for sample in deploy/samples/{small,shop,every-field}.yaml deploy/base/sizes/{1x,2x,px}.yaml; do
	check "$sample is valid" kubectl-formation validate -f "$sample"
done
