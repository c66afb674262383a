# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: tags_check
short_description: Refuse to run a part of a playbook by tags
version_added: 1.0.0
description:
  - The collection's playbooks have no tags. With C(--tags), Ansible would skip their tasks and report success.
  - A tag on the import in a playbook of your own is accepted, since it selects the whole playbook or nothing of it.
  - Give the task the tag C(always). Runs on the controller only.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
"""

EXAMPLES = r"""
- name: Refuse tags that select a part of the playbook
  waba.cluster.tags_check:
  run_once: true
  tags: always
"""

RETURN = r"""#"""
