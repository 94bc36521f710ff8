#include "formation/claim.h"

#include <string.h>

static bool is_labelled(const struct formation *formation, const struct object *object)
{
	return object->formation && strcmp(object->formation, formation->name) == 0;
}

static bool is_ours(const struct formation *formation, const struct observed_child *child)
{
	if (child->object.owner_uid)
		return strcmp(child->object.owner_uid, formation->uid) == 0;
	return is_labelled(formation, &child->object) && !digest_is_none(child->satisfied_before);
}

enum claim claim_of(const struct formation *formation, const struct observed_child *child)
{
	if (!child)
		return CLAIM_ABSENT;
	if (is_ours(formation, child))
		return child->object.deleting ? CLAIM_LEAVING : CLAIM_OURS;
	if (child->object.deleting ||
	    (child->object.owner_uid && is_labelled(formation, &child->object)))
		return CLAIM_FORMER;
	return CLAIM_FOREIGN;
}

static const struct observed_child *find(const struct observed_child *const *children, size_t count,
                                         const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(children[i]->object.name, name) == 0)
			return children[i];
	}
	return NULL;
}

const struct observed_child *input_child(const struct reconcile_input *input,
                                         const struct resource *resource, const char *name)
{
	if (resource == &RESOURCE_SERVICE)
		return find(input->services, input->service_count, name);
	if (resource == &RESOURCE_BUDGET)
		return find(input->budgets, input->budget_count, name);
	for (size_t i = 0; i < input->deployment_count; i++) {
		if (strcmp(input->deployments[i]->child.object.name, name) == 0)
			return &input->deployments[i]->child;
	}
	return NULL;
}

const struct write_failure *input_failure(const struct reconcile_input *input, const char *type,
                                          const struct resource *resource)
{
	for (size_t i = 0; i < input->failure_count; i++) {
		const struct write_failure *failure = &input->failures[i];

		if (!failure->type || strcmp(failure->type, type) != 0)
			continue;
		if (resource ? failure->resource == resource : failure->resource != &RESOURCE_POD)
			return failure;
	}
	return NULL;
}

bool failure_is_conflict(const struct write_failure *failure)
{
	if (!failure->create)
		return false;
	if (failure->code == ERR_CONFLICT || failure->code == ERR_ALREADY_EXISTS)
		return true;
	return failure->code == ERR_INVALID && strstr(failure->message, "field is immutable");
}
