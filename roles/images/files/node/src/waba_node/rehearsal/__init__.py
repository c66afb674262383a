"""A stand-in for Meta's Cloud API, for tests and for a rehearsal without a Meta account.

It is stricter than the service where the documentation leaves room, and it has no idempotency key, no epoch and no order, as the service has
none. It shares no code with the node, so that a mistake of the node's translation is not repeated here. Its sources are Meta's documentation
and what users of the service report; a rule without a source says that it is our decision.
"""
