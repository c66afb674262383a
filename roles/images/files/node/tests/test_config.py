"""A node reports every problem of its environment by name, and no secret."""

from __future__ import annotations

import pytest
from waba_node.config import CLIENT_VERSION, ConfigurationError, NodeConfig, Role

COREAPP = {
    "WA_APP_MULTICONNECT": "1",
    "COREAPP_HOSTNAME": "host1.example.org",
    "COREAPP_EXTERNAL_PORTS": "6300,6301,6302,6303",
    "WA_DB_HOSTNAME": "db",
    "WA_DB_USERNAME": "waba",
    "WA_DB_PASSWORD": "Very-Secret-1",
    "WA_SECRET": "Very-Secret-2",
}
WEBAPP = {"WEBAPP_HOSTNAME": "waweb", "WEBAPP_EXTERNAL_PORTS": "9090"}


@pytest.mark.parametrize(
    ("more", "role"),
    [
        ({}, Role.COREAPP),
        ({"WA_MASTER_NODE": "1"}, Role.MASTER),
        (WEBAPP, Role.WEBAPP),
        ({"WA_DB_UPGRADE": "1"}, Role.UPGRADE),
    ],
)
def test_the_role_comes_from_the_environment(more: dict, role: Role) -> None:
    assert NodeConfig.from_environment({**COREAPP, **more}).role is role


def test_the_node_id_has_the_published_name_and_the_container_id() -> None:
    config = NodeConfig.from_environment({**COREAPP, "WABA_CONTAINER_ID": "0123456789ab"})
    assert config.node_id == "host1.example.org:0123456789ab"
    assert config.external_ports == (6300, 6301, 6302, 6303)
    assert config.listen_ports == (6250, 6251, 6252, 6253)


def test_all_problems_are_reported_at_once() -> None:
    invalid = {"WA_DB_ENGINE": "PGSQL", "COREAPP_EXTERNAL_PORTS": "6250,6251", "WA_DB_PORT": "none"}
    with pytest.raises(ConfigurationError) as refused:
        NodeConfig.from_environment({"WA_DB_PASSWORD": "Very-Secret-1", **invalid})
    for part in (
        "WA_APP_MULTICONNECT is not 1",
        "WA_DB_ENGINE is 'PGSQL'",
        "WA_DB_HOSTNAME is not set",
        "WA_DB_PORT is 'none'",
        "COREAPP_EXTERNAL_PORTS is '6250,6251': it must be 4 ports",
        "COREAPP_HOSTNAME is not set",
    ):
        assert part in str(refused.value)
    assert "Very-Secret" not in str(refused.value)


def test_the_configurations_repr_contains_no_secret() -> None:
    assert "Very-Secret" not in repr(NodeConfig.from_environment(COREAPP))


def test_the_prefix_names_another_database() -> None:
    assert NodeConfig.from_environment({**COREAPP, "WA_DB_NAME_PREFIX": "second_"}).database.name == "second_waba"


def test_the_version_of_the_client_is_a_late_one_unless_it_is_set() -> None:
    assert NodeConfig.from_environment(COREAPP).client_version == CLIENT_VERSION
    assert CLIENT_VERSION.startswith("v2.")
    assert NodeConfig.from_environment({**COREAPP, "WABA_CLIENT_VERSION": "v2.35.2"}).client_version == "v2.35.2"
    with pytest.raises(ConfigurationError, match="WABA_CLIENT_VERSION is 'latest'"):
        NodeConfig.from_environment({**COREAPP, "WABA_CLIENT_VERSION": "latest"})


def test_console_is_served_unless_it_is_switched_off() -> None:
    assert NodeConfig.from_environment(COREAPP).console
    assert not NodeConfig.from_environment({**COREAPP, "WABA_CONSOLE": "0"}).console
    with pytest.raises(ConfigurationError, match="WABA_CONSOLE is 'off': it must be 0 or 1"):
        NodeConfig.from_environment({**COREAPP, "WABA_CONSOLE": "off"})


CLOUD = {
    "WABA_UPSTREAM": "cloud",
    "WABA_CLOUD_PHONE_NUMBER_ID": "700000000000001",
    "WABA_CLOUD_WABA_ID": "800000000000001",
    "WABA_CLOUD_TOKEN": "Very-Secret-3",
    "WABA_CLOUD_APP_SECRETS": "Very-Secret-4, Very-Secret-5",
    "WABA_CLOUD_VERIFY_TOKEN": "Very-Secret-6",
}


def test_cloud_settings_have_defaults_and_their_repr_contains_no_secret() -> None:
    config = NodeConfig.from_environment({**COREAPP, **CLOUD, "WABA_CLOUD_LINK_HOSTS": "Files.example.org,10.0.0.7"})
    assert config.cloud is not None
    assert config.cloud.app_secrets == ("Very-Secret-4", "Very-Secret-5")
    assert (config.cloud.rate, config.cloud.grace, config.cloud.uncertain) == (0, 60, "fail")
    assert config.cloud.base_url == "https://graph.facebook.com"
    assert config.cloud.link_hosts == ("files.example.org", "10.0.0.7")
    assert "Very-Secret" not in repr(config)


def test_cloud_settings_are_read_only_for_the_cloud_upstream() -> None:
    assert NodeConfig.from_environment({**COREAPP, **CLOUD, "WABA_UPSTREAM": "loopback"}).cloud is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WABA_CLOUD_PHONE_NUMBER_ID", "+15550100"),
        ("WABA_CLOUD_WABA_ID", ""),
        ("WABA_CLOUD_TOKEN", ""),
        ("WABA_CLOUD_TOKEN", "Very Secret"),
        ("WABA_CLOUD_APP_SECRETS", ""),
        ("WABA_CLOUD_APP_SECRETS", "Very-Secret-1,Very-Secret-2,Very-Secret-3"),
        ("WABA_CLOUD_VERIFY_TOKEN", ""),
        ("WABA_CLOUD_PIN", "12345"),
        ("WABA_CLOUD_BASE_URL", "ftp://example.org"),
        ("WABA_CLOUD_VERSION", "25"),
        ("WABA_CLOUD_PROXY", "proxy.example.org"),
        ("WABA_CLOUD_WEBHOOK_PORT", "70000"),
        ("WABA_CLOUD_RATE", "-1"),
        ("WABA_CLOUD_UNCERTAIN", "maybe"),
        ("WABA_CLOUD_GRACE", "soon"),
        ("WABA_CLOUD_PASS_LINKS", "yes"),
    ],
)
def test_a_problem_of_a_cloud_setting_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=variable) as refused:
        NodeConfig.from_environment({**COREAPP, **CLOUD, variable: value})
    assert "Very" not in str(refused.value)


SECONDS = {
    "WABA_SECOND_SECRET": "WA_SECRET",
    "WABA_SECOND_API_KEY": "WA_API_KEY",
    "WABA_SECOND_JWT_KEY": "WA_WEB_JWT_CRYPTO_KEY",
}


def test_second_secrets_are_read_and_not_printed() -> None:
    config = NodeConfig.from_environment({**COREAPP, **dict.fromkeys((*SECONDS, *SECONDS.values()), "Very-Secret-3")})
    assert [config.second_secret, config.second_api_key, config.second_jwt_key] == ["Very-Secret-3"] * 3
    assert "Very-Secret" not in repr(config)


@pytest.mark.parametrize(("second", "first"), SECONDS.items())
def test_second_secret_without_the_first_one_is_refused(second: str, first: str) -> None:
    environment = {name: value for name, value in COREAPP.items() if name != first}
    with pytest.raises(ConfigurationError, match=f"{second} is set, but {first} is not") as refused:
        NodeConfig.from_environment({**environment, second: "Very-Secret-3"})
    assert "Very-Secret" not in str(refused.value)
