# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    # The proxy through which a host reaches mirrors and registries.
    DOCUMENTATION = r"""
options:
  egress_proxy:
    description: The HTTP proxy through which this host reaches package mirrors and registries. None when absent.
    type: dict
    suboptions:
      url:
        description: Its URL with a port, which may contain a user and a password.
        type: str
        required: true
      direct:
        description: Names, domains, addresses and networks that are reached without the proxy, besides loopback and O(egress_proxy.hosts).
        type: list
        elements: str
        default: []
      hosts:
        description: Names and addresses of the cluster's hosts, which are reached without the proxy.
        type: list
        elements: str
        default: []
"""
