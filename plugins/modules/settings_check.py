# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: settings_check
short_description: Check the variables of a host against the collection's settings
version_added: 1.0.0
description:
  - Checks every variable that is a setting of one of the collection's roles, by that role's argument specification, and tells all that is wrong.
  - A variable that begins with C(waba_) and is no setting is a problem too, told with the nearest name that is one.
  - The nodes' environment variables must fit into an environment file.
  - Secrets that you give must be usable; with the vendor's images, their database password must not hold a character that those cannot take.
  - Runs on the controller alone; the host is not asked. Never fails because of what it finds.
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.attributes.read_only
options:
  secrets:
    description: Names of variables that hold secrets. Their values are checked and never shown.
    type: list
    elements: str
    default: []
seealso:
  - module: waba.cluster.preflight
"""

EXAMPLES = r"""
- name: Check the settings
  waba.cluster.settings_check:
    secrets: [waba_database_password, waba_admin_password]
  register: settings
"""

RETURN = r"""
sound:
  description: Whether every setting is what its role's argument specification asks for, so that the host can be planned.
  returned: always
  type: bool
  sample: true
problems:
  description: What is wrong.
  returned: always
  type: list
  elements: dict
  sample: [{variable: waba_coreap_instances, value: (not read), problem: there is no such setting, fix: Write waba_coreapp_instances}]
risks:
  description: What is allowed and probably not meant, in the same form.
  returned: always
  type: list
  elements: dict
  sample: []
"""
