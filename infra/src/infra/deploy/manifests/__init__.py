"""The Kubernetes manifests as data: rendered, and the edges that they allow."""
