"""Load on a running system: the headline flows, and the code that they share with the benchmarks."""
