"""Four ways to read a stream without sharing it with the service's other processes.

`history` reads what is stored, up to the present end. `hints` notifies of what is published from now on, at
most once. `catch_up` joins the two: the whole history, then each later message, once and in order. `follow`
does so with one subject, from a time on, and waits in place of looking.
"""
