/* What a kubelet says of a dyno's container. */
#ifndef SIM_KUBELET_H
#define SIM_KUBELET_H

#include "cluster.h"

/* The container of a pod starts, for the first time. */
void kubelet_start(struct cluster *cluster, struct object *pod);

/* A pod whose resources have changed gets them a little later. Returns whether it will. */
bool kubelet_resize(struct cluster *cluster, struct object *pod);

/* It fails, and is started again at once. Of a pod that doesn't run: nothing. */
void kubelet_crash(struct cluster *cluster, struct object *pod);

/* It ends for good. */
void kubelet_end(struct cluster *cluster, struct object *pod);

#endif
