"""Two versions side by side: rollouts and rollbacks under traffic, one process after another."""
