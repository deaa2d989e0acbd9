"""What happens inside a worker process: the protocol with the runner, the trial loop, the memory guard, the survey."""
