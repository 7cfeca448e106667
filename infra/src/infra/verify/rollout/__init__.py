"""Two versions side by side: rollouts and rollbacks of the marketplace under traffic, process after process."""
