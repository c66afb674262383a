"""The console: a read-only page of the cluster's state, and the call that it reads (docs/adr/0029-console.md)."""
