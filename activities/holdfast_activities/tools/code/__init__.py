"""Programs of models in an operating-system sandbox (bubblewrap).

seccomp      the filter of system calls
interpreter  the Python that runs them
sandbox      the command line of the sandbox
watch        memory of the processes in it; ending them
run          one program, within its limits
tool         the tool; the check that the sandbox holds
"""
