"""The master: competes for the lease, watches the coreapps, and as leader maintains the schema, the settings and the shard map."""
