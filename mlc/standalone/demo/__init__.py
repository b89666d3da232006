"""``mlc demo``: models on their way to production, and what happens to them there, on this machine and for real."""
