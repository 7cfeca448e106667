"""The whole system on one machine without containers: servers, services, worker and edge."""
