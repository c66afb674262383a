"""The coreapp: owns at most one shard, connects to the upstream for it, and carries its messages and webhooks."""
