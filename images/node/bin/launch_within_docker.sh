#!/bin/sh
# The node itself; its role comes from the environment.
exec python3 -m waba_node run
