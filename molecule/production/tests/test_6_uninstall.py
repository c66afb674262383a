"""Uninstall on all hosts leaves nothing of the cluster and retains foreign data. These tests remove the cluster of the scenario."""

from __future__ import annotations

import re

from conftest import HOSTS, Lab, changed, play, wait_for

UNINSTALL = "playbooks/uninstall.yml"
ARGUMENTS = ("-e", "waba_wipe_volumes=true")
DOWN = "master2"
LABELLED = "for kind in 'ps -aq' 'volume ls -q' 'network ls -q'; do docker $kind --filter label=waba.cluster.name=waba; done; ls /opt"


def assert_clean(lab: Lab, name: str) -> None:
    assert lab.run(name, LABELLED) in ("", "containerd\n"), name
    assert "WABA" not in lab.run(name, "iptables-save; ip6tables-save"), name
    assert lab.run(name, "ls -d /etc/waba-firewall /etc/systemd/system/waba-* 2>/dev/null || true") == "", name


def test_unreachable_host_is_reported_and_does_not_stop_the_others(lab: Lab) -> None:
    lab.host(DOWN).kill()
    result = play(UNINSTALL, *ARGUMENTS)
    assert result.returncode != 0
    assert re.search(rf"{DOWN} +host +{DOWN} +not reached +it cannot be reached: ", result.stdout)
    for name in HOSTS.keys() - {DOWN}:
        assert_clean(lab, name)
    lab.host(DOWN).start()
    wait_for(
        lambda: lab.host(DOWN).exec_run(["sh", "-c", "docker ps -q | grep -q ."]).exit_code == 0,
        90,
        "the containers of the host run again",
    )


def test_uninstall_leaves_only_foreign_data(lab: Lab) -> None:
    result = play(UNINSTALL, *ARGUMENTS)
    assert changed(result) > 0
    assert f"is left on {len(HOSTS)} host(s)" in result.stdout
    for name in HOSTS:
        assert_clean(lab, name)
    for volume in ("old_media", "old_data"):
        assert re.search(rf"coreapp2 +volume +{volume} +retained +it is declared external", result.stdout)
        assert lab.run("coreapp2", f"docker run --rm -v {volume}:/old waba/node:v1.0.0 cat /old/before") == "saved\n"
    assert re.search(r"coreapp3 +folder +/srv/wamedia +retained +it is a folder of the host", result.stdout)
    assert lab.run("coreapp3", "cat /srv/wamedia/before") == "saved\n"


def test_second_uninstall_changes_nothing() -> None:
    assert changed(play(UNINSTALL, *ARGUMENTS)) == 0


def test_images_and_docker_are_removed_on_request_where_the_collection_installed_them(lab: Lab) -> None:
    also = ("-e", "waba_uninstall_also=images,docker")
    result = play(UNINSTALL, *ARGUMENTS, *also)
    assert changed(result) > 0
    bare = [name for name in HOSTS if "waba/lab-bare:latest" in lab.host(name).image.tags]
    assert bare
    for name in HOSTS:
        engine = lab.run(name, "command -v dockerd || true")
        assert (engine == "") == (name in bare), name
        assert name in bare or re.search(
            rf"{name} +Docker +engine +retained +the collection did not install it", result.stdout
        )
    # Only the images of the settings are removed: the version of a former upgrade may still be needed.
    remaining = lab.run("master1", "docker images --format '{{.Repository}}:{{.Tag}}'").split()
    assert remaining == ["waba/node:v1.1.0-rehearsal"]
    assert changed(play(UNINSTALL, *ARGUMENTS, *also)) == 0
