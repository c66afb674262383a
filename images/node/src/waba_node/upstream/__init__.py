"""The services that a coreapp can be connected to."""
