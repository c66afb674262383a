"""Translates between the on-premises API and the Cloud API. Pure: no I/O, no clock. Each rule is a row of a table with its source."""
