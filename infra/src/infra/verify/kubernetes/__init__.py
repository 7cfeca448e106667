"""`make k8s-test`: the suite on a real Kubernetes cluster, under traffic, while parts stop and start."""
