"""The wire contract of GitTix and the mechanisms that two or more services share.

Never business rules, collection names, HTTP bodies or an import of a service.
"""
