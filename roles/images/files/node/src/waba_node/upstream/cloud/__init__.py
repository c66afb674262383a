"""Meta's Cloud API as an upstream."""
