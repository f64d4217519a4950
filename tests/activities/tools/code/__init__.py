"""Programs in the sandbox, a real one."""
