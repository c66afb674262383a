"""Commands for operators and for the collection: `python3 -m waba_node COMMAND`."""
