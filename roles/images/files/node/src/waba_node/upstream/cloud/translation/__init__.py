"""Translates between the on-premises API and the Cloud API. Pure: no I/O, no clock.

Each rule is a row of a table with its source; docs/reference/cloud-api.md is made from the tables.
"""
