# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_schedule
short_description: Let a host back up the database of a cluster by itself
version_added: 1.0.0
description:
  - Writes a program, its configuration, and the timer that runs it - a systemd timer, or an entry of cron where systemd is not the service manager.
  - The program needs Python and the Docker SDK for Python, not Ansible. Each run dumps the database, restores the archive into a server that is thrown
    away, encrypts it, copies it elsewhere with O(copy_command), and deletes old archives. A run in which a step fails leaves no archive that counts as
    good, and no archive is deleted.
  - Messages go to the journal or to syslog. The outcome is recorded in C(state.json) in O(folder).
author:
  - waba.cluster contributors (!UNKNOWN)
extends_documentation_fragment:
  - waba.cluster.cluster
  - waba.cluster.backup
  - waba.cluster.attributes
attributes:
  diff_mode:
    details: The diff has a checksum in place of the configuration, since a command may contain a secret.
requirements:
  - Docker SDK for Python (Debian package python3-docker)
  - C(age) (Debian package age)
  - C(mariadb-dump) or C(mysqldump) (Debian package mariadb-client), for a server on another host
  - C(cron), without systemd
options:
  state:
    description: V(absent) removes the program, its configuration and the timer of O(cluster_name), and no archive. It needs no other option.
    type: str
    choices: [present, absent]
    default: present
  schedule:
    description: When a backup begins, as the five fields of cron, in the time zone of the host. Required when O(state=present).
    type: str
  folder:
    description: The folder of the archives. It is created; the folder above it must exist. Required when O(state=present).
    type: path
  recipients:
    description: Public keys of age. Each of their private keys decrypts the archives. Required when O(state=present).
    type: list
    elements: str
  keep:
    description: How many good archives remain in O(folder).
    type: int
    default: 14
  keep_days:
    description: For how many days an archive remains in O(folder); V(0) for no limit. The newest one always remains.
    type: int
    default: 0
  copy_command:
    description:
      - Command, as a list without a shell, that copies an archive to another place. C({archive}) in it is the path of the archive, which is also in the
        environment variable E(WABA_BACKUP_ARCHIVE). A backup is not good when the command fails. None when empty.
    type: list
    elements: str
    default: []
  copy_timeout:
    description: Seconds after which O(copy_command) is killed and has failed.
    type: int
    default: 3600
  metrics_folder:
    description: Folder of the textfile collector of Prometheus' node exporter. Metrics are written where it exists. None when empty.
    type: str
    default: ""
  max_age:
    description: Hours after which the last good backup is too old for C(status.yml).
    type: int
    default: 26
  database:
    description: The database and the account that dumps it. Required when O(state=present).
    type: dict
    suboptions:
      name:
        description: Name of the database.
        type: str
        required: true
      user:
        description: Name of the account.
        type: str
        required: true
      password:
        description: Password of the account. Use O(database.password_file), since the configuration of the program contains this option.
        type: str
      password_file:
        description: C(mysql.env) or C(db.env) of this host, which contains the password.
        type: path
      host:
        description: Address of the server. The server of the cluster's own container on this host when absent.
        type: str
      port:
        description: Its port.
        type: int
        default: 3306
      tls_ca:
        description: PEM file on this host with the authority of the server's certificate.
        type: path
      tls_certificate:
        description: PEM file on this host with a client certificate.
        type: path
      tls_key:
        description: PEM file on this host with the key of O(database.tls_certificate).
        type: path
  node_image:
    description: Image of the node, whose commands read the state of a database. Required when O(state=present).
    type: str
  server_image:
    description: Image of the database server into which a backup is restored for verification. Required when O(state=present).
    type: str
seealso:
  - module: waba.cluster.backup
  - module: waba.cluster.restore
"""

EXAMPLES = r"""
- name: Back up at half past two every night
  waba.cluster.backup_schedule:
    schedule: 30 2 * * *
    folder: /var/backups/waba
    recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
    copy_command: [scp, "{archive}", "backup@backup.example.com:waba/"]
    database: {name: waba, user: waba, password_file: /opt/waba/mysql.env}
    node_image: waba/node:v1.0.0
    server_image: waba/mariadb:v1.0.0

- name: Stop the backups
  waba.cluster.backup_schedule:
    state: absent
"""

RETURN = r"""
installed:
  description: Whether the host has the packages that the program needs. If not, nothing is changed.
  returned: success
  type: bool
packages:
  description: The Debian packages that the host lacks.
  returned: success
  type: list
  elements: str
  sample: [age]
files:
  description: The files that differ from the options.
  returned: when RV(installed) is true
  type: list
  elements: dict
  sample: [{path: /etc/systemd/system/waba-backup-waba.timer, action: created}]
folder:
  description: The folder of the archives that remain, empty where there was no schedule.
  returned: O(state=absent)
  type: str
  sample: /var/backups/waba
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.waba.cluster.plugins.module_utils._internal import problems
from ansible_collections.waba.cluster.plugins.module_utils._internal.argspec import BACKUP_SCHEDULE_OPTIONS
from ansible_collections.waba.cluster.plugins.module_utils._internal.backup.io.schedule import converge
from ansible_collections.waba.cluster.plugins.module_utils._internal.errors import HostError
from ansible_collections.waba.cluster.plugins.module_utils._internal.io.environment import isolate_environment

REQUIRED = ("schedule", "folder", "recipients", "database", "node_image", "server_image")


def main() -> None:
    isolate_environment()
    module = AnsibleModule(
        argument_spec=BACKUP_SCHEDULE_OPTIONS,
        required_if=[("state", "present", REQUIRED)],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**converge(module))
    except problems.InputError as error:
        intro = "Nothing was changed. Fix the settings of scheduled backups"
        module.fail_json(msg=problems.message(error.problems, module.params["cluster_name"], intro))
    except HostError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
