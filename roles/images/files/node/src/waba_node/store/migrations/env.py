"""The environment that Alembic runs for every migration, on the connection that it is given."""

from alembic import context

from waba_node.store.metadata import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
