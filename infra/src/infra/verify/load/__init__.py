"""Load on a running system: the headline flows, and what they share with the benchmarks."""
