# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  path:
    description: The folder for the Compose files and environment files on the host.
    type: path
    default: /opt/waba
  cluster_name:
    description:
      - Name of the cluster, of lower-case letters, digits, C(_) and C(-).
      - Names of Compose projects and volumes begin with it. The label C(waba.cluster.name) of every created object contains it.
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
    description: Name or address under which other hosts reach this host. The host's own name when absent.
    type: str
  masters:
    description: The masters of this host. Their order determines the ports, so add new ones at the end.
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
          - When absent, coreapp number i (from 0) has the ports 6250+8i to 6253+8i, and master number i has 6254+8i to 6257+8i.
        type: str
  coreapps:
    description: The coreapps of this host. Their order determines the ports.
    type: list
    elements: dict
    default: []
    suboptions: *ranged
  webapps:
    description: The webapps of this host. Their order determines the ports.
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
    description: The database container of this host. None when absent.
    type: dict
    suboptions:
      name:
        description: Name of the Compose service.
        type: str
        default: db
      image:
        description: The image of the database.
        type: str
        required: true
      port:
        description: The published port on the host. Not published when absent.
        type: int
      member:
        description: The database is one of several members, which use the network of their hosts. A single server when absent.
        type: dict
        suboptions:
          name:
            description: Name of this member.
            type: str
            required: true
          addresses:
            description: Names or addresses of all members, and of their arbitrator.
            type: list
            elements: str
            required: true
  arbitrator:
    description: The arbitrator of this host, which votes with two database members and stores no data. None when absent.
    type: dict
    suboptions:
      image:
        description: The image of the database, which contains the arbitrator.
        type: str
        required: true
      addresses:
        description: Names or addresses of the members and of the arbitrator.
        type: list
        elements: str
        required: true
  proxy:
    description: The proxy that directs the nodes of this host to the database member that writes. None when absent.
    type: dict
    suboptions:
      image:
        description: The image of the proxy.
        type: str
        required: true
      configuration:
        description: The text of its configuration.
        type: str
        required: true
  api_proxy:
    description: The proxy of this host that directs clients of the API to the webapps. None when absent.
    type: dict
    suboptions:
      image:
        description: The image of the proxy.
        type: str
        required: true
      configuration:
        description: The text of its configuration.
        type: str
        required: true
      port:
        description: The published port for clients.
        type: int
        required: true
      check_port:
        description: The port on the loopback address of the host at which the proxy reports whether it is ready.
        type: int
        required: true
      address:
        description: The virtual address that one of the hosts with a proxy holds. None when absent.
        type: dict
        suboptions:
          address:
            description: The IPv4 address.
            type: str
            required: true
          interface:
            description: The network interface of this host in the network of the address.
            type: str
            required: true
          vrrp_id:
            description: The number of the virtual router in that network.
            type: int
            required: true
          configuration:
            description: The text of the configuration of keepalived.
            type: str
            required: true
  api_proxy_publish_address:
    description: Address of the host on which the port of the API proxy is published; all when empty.
    type: str
    default: ""
  webapps_behind_proxies:
    description: Whether clients of the API use proxies, so that the firewall opens the webapps to the proxies instead of the clients.
    type: bool
    default: false
  database_options:
    description: Additional options of the server in the database container, by name, for example C(innodb_buffer_pool_size).
    type: dict
    default: {}
  images:
    description: The images of the nodes. Required when the host has a node.
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
    description: The volumes and folders that contain data.
    type: dict
    suboptions:
      media:
        description: The volume on C(/usr/local/wamedia) of every node. The named volume C(whatsappMedia) when absent.
        type: dict
        suboptions: &volume
          type:
            description:
              - V(named) is created by Compose with the cluster's name as prefix, and labelled.
              - V(external) is an existing volume, and V(bind) an existing folder. Both are never removed.
            type: str
            choices: [named, external, bind]
            default: named
          source:
            description: Name of the volume, or the folder's absolute path.
            type: str
            required: true
          owner:
            description:
              - With V(bind), the numeric user id that must own the folder. Not checked when absent.
              - A node runs as the owner of its media folder. It takes a folder of root over, so V(0) is refused there except with the vendor's images.
            type: int
          mode:
            description: With V(bind), the mode that the folder must have, in octal, for example V("0770"). Not checked when absent.
            type: str
      data:
        description: The volume on C(/usr/local/waent/data) of every node, for installations that store data there. None when absent.
        type: dict
        suboptions: *volume
      database:
        description: The volume on C(/var/lib/mysql) of the database container. The named volume C(mysqlData) when absent.
        type: dict
        suboptions: *volume
  allow_source_change:
    description: Allow that existing containers get another source for a mount, because the data was copied or is not needed.
    type: bool
    default: false
  node_memory:
    description:
      - Memory that the container of a node may use, as V(512m) or V(1g). No limit when empty, with the vendor's images, and on a kernel that cannot limit
        memory.
    type: str
    default: 512m
  node_processes:
    description: How many processes and threads the container of a node may have. No limit with V(0), as for O(node_memory).
    type: int
    default: 256
  database_memory:
    description: Memory that the database container may use, in the same form. No limit when empty.
    type: str
    default: ""
  log_max_size:
    description:
      - Size at which the engine rotates the log of a container, as V(500k), V(10m) or V(1g).
      - Containers use the logging of the engine without a limit of their own when empty, and on an engine whose default driver is neither C(json-file)
        nor C(local).
    type: str
    default: 10m
  log_max_files:
    description: How many files of O(log_max_size) the engine stores for each container, two or more.
    type: int
    default: 5
  ipv6:
    description: Whether the networks of the containers have IPv6 beside IPv4, so that containers reach hosts by IPv6.
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
  webhook_port:
    description:
      - The published port of the listener for webhooks of the Cloud API, of the first webapp; webapp number i (from 0) has this port plus i.
      - Not published when absent.
    type: int
  webhook_publish_address:
    description: Address of the host on which the ports of the webhook listeners are published; all when empty.
    type: str
    default: ""
  certificate:
    description: PEM file on the host with the certificate and its chain, mounted into webapps. A self-signed certificate is generated when absent.
    type: path
  certificate_key:
    description: PEM file on the host with the key of O(certificate).
    type: path
  database_tls_ca:
    description:
      - PEM file on the host with the authority that signed the database server's certificate, mounted into every node. The nodes use TLS if
        C(WA_DB_SSL_CA) in their environment contains its path.
    type: path
  database_tls_certificate:
    description: PEM file on the host with the nodes' own certificate, for a database server that requires one.
    type: path
  database_tls_key:
    description: PEM file on the host with the key of O(database_tls_certificate).
    type: path
  database_certificate:
    description: PEM file on the host with the certificate and chain of the database container. A self-signed one is generated when absent.
    type: path
  database_certificate_key:
    description: PEM file on the host with the key of O(database_certificate).
    type: path
  member_ca:
    description:
      - PEM file on the host with the authority of the certificates with which the database members and their arbitrator identify each other.
      - Their traffic is not encrypted when absent.
    type: path
  member_certificate:
    description: PEM file on the host with the certificate of its database member or arbitrator, signed by O(member_ca).
    type: path
  member_certificate_key:
    description: PEM file on the host with the key of O(member_certificate).
    type: path
  webhook_certificate:
    description: PEM file on the host with the certificate and chain of the webhook listener, mounted into webapps. The listener speaks HTTP when absent.
    type: path
  webhook_certificate_key:
    description: PEM file on the host with the key of O(webhook_certificate).
    type: path
  api_proxy_certificate:
    description: PEM file on the host with the certificate and chain that the API proxy serves. It passes TLS through to the webapps when absent.
    type: path
  api_proxy_certificate_key:
    description: PEM file on the host with the key of O(api_proxy_certificate).
    type: path
  api_proxy_webapp_ca:
    description:
      - PEM file on the host with the authority that signed the certificates of the webapps. An API proxy with O(api_proxy_certificate) does not verify
        them when absent.
    type: path
"""
