/* What works in a cluster beside the controller: Deployments, pods, the garbage collector. */
#ifndef SIM_ACTORS_H
#define SIM_ACTORS_H

#include "cluster.h"

enum { POD_START_MS = 40, POD_END_MS = 30, POD_RESIZE_MS = 20 };

/*
 * One pass over everything: each of them does the next thing that it would
 * do. Returns whether there is more to do, now or after some time.
 */
bool actors_pass(struct cluster *cluster);

#endif
