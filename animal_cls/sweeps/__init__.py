"""Many runs: the plan, its jobs, the status of each run."""
