# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The container contract: names, ports and mount points that the vendor's images and the open node share.

Source: docs/reference/vendor-contract.md.
"""

from __future__ import annotations

LABEL_CLUSTER = "waba.cluster.name"
LABEL_ROLE = "waba.cluster.role"
LABEL_INSTANCE = "waba.cluster.instance"
LABEL_CONFIGURATION = (
    "waba.cluster.configuration"  # hash of a mounted configuration, so that a change replaces the container
)
# Of images whose nodes accept a second node secret, API key and token key. Not waba.cluster.*: containers inherit it, and it must not count as a difference.
LABEL_ACCEPTS, SECOND_SECRETS = "waba.node.accepts", "second-secrets"
LABEL_CERTIFICATES = "waba.cluster.certificates"  # hash of the mounted certificates, with the same effect

# docs/reference/vendor-contract.md#entry-commands
COMMAND = ["/opt/whatsapp/bin/wait_on_mysql.sh", "/opt/whatsapp/bin/launch_within_docker.sh"]

# Commands of the open node. DRAIN takes the timeout in seconds as its last argument.
PROGRAM = ("python3", "-m", "waba_node")
DRAIN = (*PROGRAM, "drain", "--timeout")
GUARD = (*PROGRAM, "database-guard")
ARBITRATOR = ("arbitrator",)  # of the database image
INIT = ("/usr/bin/tini", "--")  # of the image, without its change of the user
RESUME = (*PROGRAM, "resume")

# Ports in the containers; docs/reference/vendor-contract.md#ports
NODE_PORTS = (6250, 6251, 6252, 6253)  # messaging, contacts, control, health check
WEBAPP_PORT = 443
DATABASE_PORT = 3306
WEBHOOK_PORT = 6260  # of the open node: the listener for webhooks of the Cloud API in a webapp
# Database members and their arbitrator (docs/adr/0027-three-database-members.md) use the network of their hosts. Group, incremental and complete state
# transfer; the latter two listen during a transfer only.
GROUP_PORT = 4567
TRANSFER_PORTS = (4568, 4444)
MEMBER_PORTS = (DATABASE_PORT, GROUP_PORT, *TRANSFER_PORTS)
GUARD_PORT = 3309
PROXY_NAME = "db"  # under which the nodes of a host find the proxy
READER_PORT = 3307  # of the proxy, for a member that does not write
# An API proxy (docs/adr/0031-one-address-for-clients.md): the ports in its container, for clients and for checks of the proxy itself.
API_PROXY_PORT = 8443
API_CHECK_PORT = 8404
# Commands in the image of the proxies.
PROXY_READY = "/usr/local/bin/proxy-ready"
HOLD_ADDRESS = "/usr/local/bin/hold-address"

MOUNT_POINTS = {"media": "/usr/local/wamedia", "data": "/usr/local/waent/data", "database": "/var/lib/mysql"}
NODE_ROLES = ("master", "coreapp", "webapp")
# Below this folder, the files of CERTIFICATES are mounted in the open node's containers. Its entrypoint, which is root, copies them for the node.
MOUNTED_CERTIFICATES = "/run/certificates"
# Option: (roles whose containers mount the file, path in the container). docs/reference/vendor-contract.md#certificates;
# the paths in the database container and of the webhook listener are our own.
CERTIFICATES = {
    "certificate": (("webapp",), "/var/lib/whatsapp/web.pem"),
    "certificate_key": (("webapp",), "/var/lib/whatsapp/web.key"),
    "database_tls_ca": (NODE_ROLES, "/opt/certs/db-ca.pem"),
    "database_tls_certificate": (NODE_ROLES, "/opt/certs/db-cert.pem"),
    "database_tls_key": (NODE_ROLES, "/opt/certs/db-key.pem"),
    "database_certificate": (("mysql",), "/opt/certs/server-cert.pem"),
    "database_certificate_key": (("mysql",), "/opt/certs/server-key.pem"),
    "member_ca": (("mysql", "arbitrator"), "/etc/waba/galera/ca.pem"),
    "member_certificate": (("mysql", "arbitrator"), "/etc/waba/galera/cert.pem"),
    "member_certificate_key": (("mysql", "arbitrator"), "/etc/waba/galera/key.pem"),
    "webhook_certificate": (("webapp",), "/opt/certs/webhook.pem"),
    "webhook_certificate_key": (("webapp",), "/opt/certs/webhook.key"),
    # HAProxy finds the key of a certificate by its name: that of the certificate with the suffix .key.
    "api_proxy_certificate": (("api_proxy",), "/etc/haproxy/api.pem"),
    "api_proxy_certificate_key": (("api_proxy",), "/etc/haproxy/api.pem.key"),
    "api_proxy_webapp_ca": (("api_proxy",), "/etc/haproxy/webapp-ca.pem"),
}
CERTIFICATE_PAIRS = (
    ("certificate", "certificate_key"),
    ("database_tls_certificate", "database_tls_key"),
    ("database_certificate", "database_certificate_key"),
    ("member_certificate", "member_certificate_key"),
    ("webhook_certificate", "webhook_certificate_key"),
    ("api_proxy_certificate", "api_proxy_certificate_key"),
)
DEFAULT_VOLUMES = {
    "media": {"type": "named", "source": "whatsappMedia"},
    "database": {"type": "named", "source": "mysqlData"},
}

# Time to hand over the lease or the shard (nodes), and to flush to disk (database).
STOP_GRACE_PERIOD = {
    "master": "20s",
    "coreapp": "20s",
    "webapp": "20s",
    "mysql": "60s",
    "guard": "10s",
    "arbitrator": "20s",
    "proxy": "10s",
    "api_proxy": "10s",
    "api_address": "10s",
}

SINGLE_SERVER_FILE = "multiconnect-compose.yml"
ROLE_FILES = {  # role: Compose file, in the order in which a host starts them
    "mysql": "multiconnect-db.yml",
    "guard": "multiconnect-db.yml",
    "arbitrator": "multiconnect-arbitrator.yml",
    "proxy": "multiconnect-proxy.yml",
    "master": "multiconnect-master.yml",
    "coreapp": "multiconnect-coreapp.yml",
    "webapp": "multiconnect-webapp.yml",
    "api_proxy": "multiconnect-api.yml",
    "api_address": "multiconnect-api.yml",
}
NODE_ENVIRONMENT_FILE = "db.env"
DATABASE_ENVIRONMENT_FILE = "mysql.env"
# Variables that the database container reads at its first start only. Another value changes nothing in a server that has data.
FIRST_START_VARIABLES = frozenset(("MYSQL_USER", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"))
MEMBERS_FILE = "database-members"  # addresses of the database members and of their arbitrator, one a line
PROXY_FILE = "database-proxy.cfg"
API_PROXY_FILE = "api-proxy.cfg"
API_ADDRESS_FILE = "api-address.conf"
# Work folders and archives of a backup or restore in the host folder; leftovers of an interrupted run may be removed.
SCRATCH = (".backup", ".backup.tar", ".restore", ".restore.tar")
ALL_FILES = (
    SINGLE_SERVER_FILE,
    *dict.fromkeys(ROLE_FILES.values()),
    NODE_ENVIRONMENT_FILE,
    DATABASE_ENVIRONMENT_FILE,
    MEMBERS_FILE,
    PROXY_FILE,
    API_PROXY_FILE,
    API_ADDRESS_FILE,
)

# Environment variables whose values are printed. Every other value is treated as a secret.
PLAIN_VARIABLES = frozenset(
    (
        "COREAPP_EXTERNAL_PORTS",
        "COREAPP_HOSTNAME",
        "MYSQL_DATABASE",
        "MYSQL_USER",
        "ORCHESTRATION",
        "PATH",
        "WABA_CLOUD_BASE_URL",
        "WABA_CLOUD_GRACE",
        "WABA_CLOUD_LINK_HOSTS",
        "WABA_CLOUD_PASS_LINKS",
        "WABA_CLOUD_PHONE_NUMBER_ID",
        "WABA_CLOUD_RATE",
        "WABA_CLOUD_UNCERTAIN",
        "WABA_CLOUD_VERSION",
        "WABA_CLOUD_WABA_ID",
        "WABA_CLOUD_WEBHOOK_CERTIFICATE",
        "WABA_CLOUD_WEBHOOK_KEY",
        "WABA_CONSOLE",
        "WABA_UPSTREAM",
        "WABA_DB_SECOND_PORT",
        "WABA_GALERA_ADDRESS",
        "WABA_GALERA_CLUSTER",
        "WABA_GALERA_IPV6",
        "WABA_GALERA_NODE",
        "WABA_GALERA_TLS",
        "WA_APP_MULTICONNECT",
        "WA_DB_CONNECTION_IDLE_TIMEOUT",
        "WA_DB_ENGINE",
        "WA_DB_HOSTNAME",
        "WA_DB_NAME_PREFIX",
        "WA_DB_PORT",
        "WA_DB_SSL_CA",
        "WA_DB_SSL_CERT",
        "WA_DB_SSL_KEY",
        "WA_DB_USERNAME",
        "WA_MASTER_NODE",
        "WEBAPP_EXTERNAL_PORTS",
        "WEBAPP_HOSTNAME",
    )
)


def header(cluster: str) -> str:
    """Return the comment, without the leading "#", at the top of every file that this collection writes."""
    return f"Managed by Ansible, waba.cluster (cluster {cluster}); changes by hand are overwritten"


def is_managed(text: str, cluster: str) -> bool:
    """Return whether a file was written by this collection for this cluster, according to its first line."""
    return text.startswith(f"# {header(cluster)}\n")
