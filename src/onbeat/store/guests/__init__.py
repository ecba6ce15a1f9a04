"""The enqueue statements on connections that are not ours, in transactions that are not ours.

One module for each library whose transactions we know. None of them is imported by us before the
caller has done so: they are recognised among the modules that are loaded.
"""
