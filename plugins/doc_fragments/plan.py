# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  path:
    description: The host's folder for the Compose files and the environment files.
    type: path
    default: /opt/waba
  cluster_name:
    description:
      - Name of the cluster, of lower-case letters, digits, C(_) and C(-).
      - Compose projects and volumes begin with it, and the label C(waba.cluster.name) on everything that is created holds it.
    type: str
    default: waba
  layout:
    description:
      - V(role) is one Compose file for each role on the host; nodes find each other by O(external_hostname) and published ports.
      - V(single_server) is one Compose file for all; nodes find each other by service name, inside one network.
    type: str
    choices: [single_server, role]
    default: role
  external_hostname:
    description: Name or address under which other machines reach this host. The host's own name when absent.
    type: str
  masters:
    description: The masters of this host, in order. The order decides on ports, so add new ones at the end.
    type: list
    elements: dict
    default: []
    suboptions: &ranged
      name:
        description: Name of the Compose service; unique on the host.
        type: str
        required: true
      ports:
        description:
          - The four published ports, as in V(6300-6303).
          - When absent, coreapp number i (from 0) has 6250+8i to 6253+8i and master number i 6254+8i to 6257+8i.
        type: str
  coreapps:
    description: The coreapps of this host, in order.
    type: list
    elements: dict
    default: []
    suboptions: *ranged
  webapps:
    description: The webapps of this host, in order.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Compose service; unique on the host.
        type: str
        required: true
      port:
        description: The published port. When absent, webapp number i (from 0) has 9090+i.
        type: int
  database:
    description: The database container of this host, if it has one.
    type: dict
    suboptions:
      name:
        description: Name of the Compose service.
        type: str
        default: db
      image:
        description: Its image.
        type: str
        required: true
      port:
        description: The port of the host on which it is published. Not published when absent.
        type: int
  database_options:
    description: More options of the database container's server, by name, such as C(innodb_buffer_pool_size).
    type: dict
    default: {}
  images:
    description: The images of the nodes. Needed as soon as there is a node.
    type: dict
    suboptions:
      coreapp:
        description: Image of coreapps and masters.
        type: str
        required: true
      webapp:
        description: Image of webapps.
        type: str
        required: true
  volumes:
    description: Where data lives.
    type: dict
    suboptions:
      media:
        description: The volume on C(/usr/local/wamedia) of every node. The named volume C(whatsappMedia) when absent.
        type: dict
        suboptions: &volume
          type:
            description:
              - V(named) is created by Compose, with the cluster's name in front, and labelled as ours.
              - V(external) is a volume, and V(bind) a folder, that must be there already and always stays.
            type: str
            choices: [named, external, bind]
            default: named
          source:
            description: Name of the volume, or the folder's absolute path.
            type: str
            required: true
          owner:
            description: With V(bind), the numeric user id that the folder must belong to. Not looked at when absent.
            type: int
          mode:
            description: With V(bind), the mode that the folder must have, in octal, as in V("0770"). Not looked at when absent.
            type: str
      data:
        description: The volume on C(/usr/local/waent/data) of every node, for installations that keep data there. None when absent.
        type: dict
        suboptions: *volume
      database:
        description: The volume on C(/var/lib/mysql) of the database container. The named volume C(mysqlData) when absent.
        type: dict
        suboptions: *volume
  allow_source_change:
    description: Accept that existing containers get another source for what they mount, because the data was copied or is not needed.
    type: bool
    default: false
  publish_address:
    description: Address of the host on which the ports of masters, coreapps and the database are published; all when empty.
    type: str
    default: ""
  webapp_publish_address:
    description: Address of the host on which the ports of webapps are published; all when empty.
    type: str
    default: ""
  certificate:
    description: PEM file on the host with the certificate and its chain, mounted into webapps. They make a self-signed one when absent.
    type: path
  certificate_key:
    description: PEM file on the host with the key of O(certificate).
    type: path
  database_tls_ca:
    description:
      - PEM file on the host with the authority that signed the database server's certificate, mounted into every node. The nodes use TLS when
        C(WA_DB_SSL_CA) in their environment names it.
    type: path
  database_tls_certificate:
    description: PEM file on the host with the nodes' own certificate, for a database server that asks for one.
    type: path
  database_tls_key:
    description: PEM file on the host with the key of O(database_tls_certificate).
    type: path
  database_certificate:
    description: PEM file on the host with the certificate and chain that the database container serves. It makes a self-signed one when absent.
    type: path
  database_certificate_key:
    description: PEM file on the host with the key of O(database_certificate).
    type: path
"""
