"""The Kubernetes manifests, compose file and images, as data that tests compare with the code."""
