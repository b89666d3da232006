"""What several processes share: show progress, create exactly once, wait for a job, ask a person."""
