"""The persistent engine: a journal of jobs, their order, the processes that restore, and the door for hosts."""
