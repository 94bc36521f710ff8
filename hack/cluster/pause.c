/*
 * The process that holds a pod's namespaces: does nothing until it is told to
 * end, and lets no zombie of a pod with a shared process namespace stay.
 */
#include <signal.h>
#include <unistd.h>

static void end(int number)
{
	(void)number;
	_exit(0);
}

int main(void)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGINT, end);
	signal(SIGTERM, end);
	for (;;)
		pause();
}
