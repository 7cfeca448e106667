"""`make k8s-test`: the suite on a real Kubernetes, under traffic, while parts of it go and come."""
