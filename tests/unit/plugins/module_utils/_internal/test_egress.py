# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.waba.cluster.plugins.module_utils._internal import egress

SECRET = "correct-horse"
PROXY = {
    "url": f"http://user:{SECRET}@proxy.example.com:3128",
    "direct": [".example.com"],
    "hosts": ["core1", "fd00::1"],
}


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example.com:3128",
        "http://proxy.example.com:3128/",
        "http://user:p%40ss%22@proxy.example.com:3128",
        "http://[2001:db8::1]:3128",
    ],
)
def test_url_of_a_proxy_is_accepted(url: str) -> None:
    assert egress.problems({"waba_proxy": url, "waba_no_proxy": []}) == []


@pytest.mark.parametrize(
    "url",
    [
        f"user:{SECRET}@proxy.example.com:3128",
        f"http://user:{SECRET}@proxy.example.com",
        f"https://user:{SECRET}@proxy.example.com:3128",
        f"socks5://user:{SECRET}@proxy.example.com:1080",
        f"http://user:{SECRET}@proxy.example.com:3128/path",
        f"http://user:{SECRET}@proxy.example.com:70000",
        f'http://user:{SECRET}"@proxy.example.com:3128',
        f"http://user:{SECRET}\\@proxy.example.com:3128",
        f"http://user:{SECRET}@proxy.example.com:3128\n",
        "http://[2001:db8::1:3128",
        f"http://user:1?{SECRET}@proxy.example.com:3128",
        f"http://user:1#{SECRET}@proxy.example.com:3128",
        f"http://user:{SECRET}%@proxy.example.com:3128",
        f"http://user:{SECRET}%zz@proxy.example.com:3128",
    ],
)
def test_other_text_is_refused_without_its_password(url: str) -> None:
    (problem,) = egress.problems({"waba_proxy": url, "waba_no_proxy": []})
    assert (problem.variable, problem.problem) == ("waba_proxy", "it is no URL of an HTTP proxy with a port")
    assert SECRET not in str(problem)


def test_destinations_without_the_proxy_are_names_domains_addresses_and_networks() -> None:
    sound = [
        "mirror",
        "mirror.example.com",
        ".example.com",
        "192.0.2.7",
        "192.0.2.0/24",
        "2001:db8::1",
        "2001:db8::/32",
    ]
    wrong = ["http://mirror", "a,b", "*.example.com", "192.0.2.0/33", ""]
    found = egress.problems({"waba_proxy": "", "waba_no_proxy": [*sound, *wrong]})
    assert [one.variable for one in found] == [f"waba_no_proxy[{len(sound) + index}]" for index in range(len(wrong))]


def test_loopback_and_the_hosts_of_the_cluster_are_reached_directly() -> None:
    found = egress.variables(PROXY)
    assert found["NO_PROXY"] == "localhost,127.0.0.0/8,::1,core1,fd00::1,.example.com"
    assert found["HTTP_PROXY"] == found["HTTPS_PROXY"] == PROXY["url"]


def test_no_proxy_has_no_variables() -> None:
    assert egress.variables(None) == egress.variables({}) == {}
