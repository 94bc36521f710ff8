/* Holds status.usage against what the pods of the cluster's history said. */
#ifndef SIM_USAGE_CHECK_H
#define SIM_USAGE_CHECK_H

#include "cluster.h"

/*
 * Whether the usage of the Formation is what its dynos ran until now, by
 * type and size, to the second. `exact`: nothing may be uncertain; else
 * what is missing must be within what is said to be uncertain, but for dynos that came and went while
 * nobody looked (`unseen`). Returns what is wrong, or NULL.
 */
const char *usage_check(struct cluster *cluster, const struct object *formation, bool exact,
                        bool unseen);

#endif
