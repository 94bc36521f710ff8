/* What a dyno finds in its environment, and its command line. */
#ifndef FORMATION_ENV_H
#define FORMATION_ENV_H

#include "codec/json.h"
#include "formation/model.h"

/*
 * The container's `env`: first DYNO_POD, DYNO, DYNO_TYPE, FORMATION,
 * DYNO_SIZE and PORT (of a routed process), so that the user's variables
 * may refer to them as $(PORT); then the Formation's, each replaced in its
 * place by the process's of the same name; then what the process adds.
 */
struct json *env_render(struct arena *arena, const struct formation *formation,
                        const struct process *process);

/*
 * A shell line, written so that it comes out as it was: Kubernetes replaces
 * $(NAME) and makes $$ one $ in a container's command.
 * Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
 */
const char *env_escape(struct arena *arena, const char *line);

#endif
