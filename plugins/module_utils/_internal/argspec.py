# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that several modules share. The doc fragments of the same name document them; a test compares both."""

from __future__ import annotations

from typing import Any

_RANGED = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {"name": {"type": "str", "required": True}, "ports": {"type": "str"}},
}
VOLUME = {
    "type": "dict",
    "options": {
        "type": {"type": "str", "choices": ["named", "external", "bind"], "default": "named"},
        "source": {"type": "str", "required": True},
        "owner": {"type": "int"},
        "mode": {"type": "str"},
    },
}
VOLUMES = {"type": "dict", "options": {"media": VOLUME, "data": VOLUME, "database": VOLUME}}

# Fragment "plan": what runs on a host.
PLAN_OPTIONS = {
    "path": {"type": "path", "default": "/opt/waba"},
    "cluster_name": {"type": "str", "default": "waba"},
    "layout": {"type": "str", "choices": ["single_server", "role"], "default": "role"},
    "external_hostname": {"type": "str"},
    "masters": _RANGED,
    "coreapps": _RANGED,
    "webapps": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "port": {"type": "int"}},
    },
    "database": {
        "type": "dict",
        "options": {
            "name": {"type": "str", "default": "db"},
            "image": {"type": "str", "required": True},
            "port": {"type": "int"},
            "member": {
                "type": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "addresses": {"type": "list", "elements": "str", "required": True},
                },
            },
        },
    },
    "arbitrator": {
        "type": "dict",
        "options": {
            "image": {"type": "str", "required": True},
            "addresses": {"type": "list", "elements": "str", "required": True},
        },
    },
    "proxy": {
        "type": "dict",
        "options": {
            "image": {"type": "str", "required": True},
            "configuration": {"type": "str", "required": True},
        },
    },
    "api_proxy": {
        "type": "dict",
        "options": {
            "image": {"type": "str", "required": True},
            "configuration": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "check_port": {"type": "int", "required": True},
            "address": {
                "type": "dict",
                "options": {
                    "address": {"type": "str", "required": True},
                    "interface": {"type": "str", "required": True},
                    "vrrp_id": {"type": "int", "required": True},
                    "configuration": {"type": "str", "required": True},
                },
            },
        },
    },
    "api_proxy_publish_address": {"type": "str", "default": ""},
    "webapps_behind_proxies": {"type": "bool", "default": False},
    "database_options": {"type": "dict", "default": {}},
    "images": {
        "type": "dict",
        "options": {"coreapp": {"type": "str", "required": True}, "webapp": {"type": "str", "required": True}},
    },
    "volumes": VOLUMES,
    "allow_source_change": {"type": "bool", "default": False},
    "node_memory": {"type": "str", "default": "512m"},
    "node_processes": {"type": "int", "default": 256},
    "database_memory": {"type": "str", "default": ""},
    "log_max_size": {"type": "str", "default": "10m"},
    "log_max_files": {"type": "int", "default": 5},
    "ipv6": {"type": "bool", "default": False},
    "publish_address": {"type": "str", "default": ""},
    "webapp_publish_address": {"type": "str", "default": ""},
    "webhook_port": {"type": "int"},
    "webhook_publish_address": {"type": "str", "default": ""},
    "certificate": {"type": "path"},
    "certificate_key": {"type": "path", "no_log": False},  # the path of the key, not the key
    "database_tls_ca": {"type": "path"},
    "database_tls_certificate": {"type": "path"},
    "database_tls_key": {"type": "path", "no_log": False},
    "database_certificate": {"type": "path"},
    "database_certificate_key": {"type": "path", "no_log": False},
    "member_ca": {"type": "path"},
    "member_certificate": {"type": "path"},
    "member_certificate_key": {"type": "path", "no_log": False},
    "webhook_certificate": {"type": "path"},
    "webhook_certificate_key": {"type": "path", "no_log": False},
    "api_proxy_certificate": {"type": "path"},
    "api_proxy_certificate_key": {"type": "path", "no_log": False},
    "api_proxy_webapp_ca": {"type": "path"},
}

# Fragment "hosts": names and addresses of the cluster's hosts, and which of them this host is.
HOSTS_OPTIONS = {
    "host": {"type": "str", "default": ""},
    "hosts": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
        },
    },
}

# Fragment "egress": the proxy through which a host reaches mirrors and registries.
EGRESS_OPTIONS = {
    "egress_proxy": {
        "type": "dict",
        "options": {
            "url": {"type": "str", "required": True, "no_log": True},
            "direct": {"type": "list", "elements": "str", "default": []},
            "hosts": {"type": "list", "elements": "str", "default": []},
        },
    },
}

# Fragment "api": the address of the cluster's API.
API_OPTIONS = {
    "url": {"type": "str", "required": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "cluster_name": {"type": "str"},
}

# The nodes of a healthy cluster.
EXPECTED_NODES = {
    "type": "dict",
    "options": {
        "masters": {"type": "int", "required": True},
        "coreapps": {"type": "int", "required": True},
        "shards": {"type": "int", "default": 1},
    },
}

# Fragment "database": the database and the account that the nodes use.
DATABASE_OPTIONS: dict[str, Any] = {
    "cluster_name": {"type": "str", "default": "waba"},
    "database": {
        "type": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "no_log": True},
            "password_file": {"type": "path", "no_log": False},  # the path of the file, not the password
            "host": {"type": "str"},
            "port": {"type": "int", "default": 3306},
            "tls_ca": {"type": "path"},
            "tls_certificate": {"type": "path"},
            "tls_key": {"type": "path", "no_log": False},
        },
        "mutually_exclusive": [("password", "password_file")],
        "required_one_of": [("password", "password_file")],
    },
}

# Fragment "backup": the media that an archive contains.
BACKUP_OPTIONS = {"media": VOLUME}

# Scheduled backups. `host_info` compares them too.
BACKUP_SCHEDULE_OPTIONS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "cluster_name": {"type": "str", "default": "waba"},
    "path": {"type": "path", "default": "/opt/waba"},
    "schedule": {"type": "str"},
    "folder": {"type": "path"},
    "recipients": {"type": "list", "elements": "str"},
    "keep": {"type": "int", "default": 14},
    "keep_days": {"type": "int", "default": 0},
    "copy_command": {"type": "list", "elements": "str", "default": []},
    "copy_timeout": {"type": "int", "default": 3600},
    "metrics_folder": {"type": "str", "default": ""},
    "max_age": {"type": "int", "default": 26},
    "database": {**DATABASE_OPTIONS["database"], "required": False},
    "node_image": {"type": "str"},
    "server_image": {"type": "str"},
    **BACKUP_OPTIONS,
}

# Fragment "cloud_account": the account of the Cloud API.
CLOUD_ACCOUNT_OPTIONS = {
    "cluster_name": {"type": "str", "default": "waba"},
    "image": {"type": "str", "required": True},
    "environment": {"type": "dict", "required": True, "no_log": True},
    "webhook_url": {"type": "str", "required": True},
}

# Modules whose comparison `host_info` runs too, in check mode.
FIREWALL_OPTIONS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "api_sources": {"type": "list", "elements": "str", "default": []},
    "webapp_sources": {"type": "list", "elements": "str", "default": []},
    "webhook_sources": {"type": "list", "elements": "str", "default": []},
    "nfs_port": {"type": "int"},
}
EXPORT_OPTIONS = {
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "clients": {"type": "list", "elements": "str", "default": []},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
    "options": {"type": "list", "elements": "str", "default": ["rw", "sync", "no_subtree_check", "no_root_squash"]},
    "file": {"type": "path", "default": "/etc/exports.d/waba.exports"},
}
MOUNT_OPTIONS = {
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["mounted", "unmounted", "absent", "verified"], "default": "mounted"},
    "server": {"type": "str"},
    "export": {"type": "str"},
    "options": {
        "type": "list",
        "elements": "str",
        "default": ["nfsvers=4.1", "hard", "timeo=600", "retrans=2", "_netdev"],
    },
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
    "notes": {
        "type": "dict",
        "options": {
            "host": {"type": "str", "required": True},
            "readers": {"type": "list", "elements": "str"},
            "tokens": {"type": "dict", "no_log": False},
        },
    },
    "timeout": {"type": "int", "default": 20},
}

# The role variables that set these options.
ROLE_VARIABLES = {
    "path": "waba_dir",
    "cluster_name": "waba_cluster_name",
    "layout": "waba_layout",
    "external_hostname": "waba_external_hostname",
    "masters": "waba_master_instances",
    "coreapps": "waba_coreapp_instances",
    "webapps": "waba_webapp_instances",
    "database": "waba_database_port",
    "arbitrator": "waba_group_arbitrator",
    "proxy": "waba_database_proxy_image",
    "api_proxy": "waba_api_proxy_port",
    "api_proxy_publish_address": "waba_api_proxy_publish_address",
    "database_address": "waba_database_host",
    "database_options": "waba_mysql_options",
    "database_password": "waba_database_password",
    "volumes": "waba_volumes",
    "allow_source_change": "waba_allow_source_change",
    "node_memory": "waba_node_memory",
    "node_processes": "waba_node_processes",
    "database_memory": "waba_mysql_memory",
    "log_max_size": "waba_log_max_size",
    "log_max_files": "waba_log_max_files",
    "ipv6": "waba_ipv6",
    "publish_address": "waba_publish_address",
    "webapp_publish_address": "waba_webapp_publish_address",
    "webapps_behind_proxies": "waba_group_api_proxies",
    "certificate": "waba_webapp_certificate",
    "certificate_key": "waba_webapp_certificate_key",
    "database_tls_ca": "waba_database_tls_ca",
    "database_tls_certificate": "waba_database_tls_certificate",
    "database_tls_key": "waba_database_tls_key",
    "database_certificate": "waba_mysql_certificate",
    "database_certificate_key": "waba_mysql_certificate_key",
    "member_ca": "waba_mysql_member_ca",
    "member_certificate": "waba_mysql_member_certificate",
    "member_certificate_key": "waba_mysql_member_certificate_key",
    "webhook_port": "waba_cloud_webhook_port",
    "webhook_publish_address": "waba_cloud_webhook_publish_address",
    "webhook_certificate": "waba_cloud_webhook_certificate",
    "webhook_certificate_key": "waba_cloud_webhook_key",
    "api_proxy_certificate": "waba_api_proxy_certificate",
    "api_proxy_certificate_key": "waba_api_proxy_certificate_key",
    "api_proxy_webapp_ca": "waba_api_proxy_webapp_ca",
    "environment": "waba_environment",
    "firewall_addresses": "waba_firewall_addresses",
    "firewall_api_sources": "waba_firewall_api_sources",
    "firewall_webapp_sources": "waba_firewall_webapp_sources",
    "firewall_webhook_sources": "waba_firewall_webhook_sources",
    "masters_total": "waba_master_instances",
    "coreapps_total": "waba_coreapp_instances",
    "webapps_total": "waba_webapp_instances",
    "nfs": "waba_group_nfs_clients",
    "version": "waba_version",
}


def settings_of(*options: str) -> dict[str, str]:
    """Return {option: the role variable that sets it}."""
    return {option: ROLE_VARIABLES[option] for option in options}
