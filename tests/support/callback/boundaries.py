"""Writes the name of each task to the socket WABA_BOUNDARIES before the task begins, and waits for an answer."""

from __future__ import annotations

import os
import socket

from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: boundaries
type: aggregate
short_description: Stops at every boundary between two tasks
description: Writes the name of a task to the Unix socket WABA_BOUNDARIES and continues when it gets an answer.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_NEEDS_ENABLED = 2.0, "aggregate", "boundaries", True

    def __init__(self) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(os.environ["WABA_BOUNDARIES"])
        self.stream = connection.makefile("rw")

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        self.stream.write(f"{task.get_name()}\n")
        self.stream.flush()
        self.stream.readline()

    v2_playbook_on_handler_task_start = v2_playbook_on_task_start
