#!/bin/sh
# Runs the node. Its role comes from the environment.
exec python3 -m waba_node run
