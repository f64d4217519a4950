"""Content of the state database under the deployment's keys."""
