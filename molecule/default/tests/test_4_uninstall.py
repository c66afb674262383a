"""Uninstall: complete, partial, repeated, and with volumes retained or deleted. These tests remove the cluster of the scenario."""

from __future__ import annotations

import json
import re
from pathlib import Path

from conftest import FOLDER, NAME, Api, Cluster, changed, log_in, play

UNINSTALL = "playbooks/uninstall.yml"
INSTALLED = Path("/var/lib/waba-docker-host")  # the packages that the role docker_host installed
KEEP = ("-e", "waba_wipe_volumes=false")
WIPE = ("-e", "waba_wipe_volumes=true")


def remaining(cluster: Cluster) -> list[object]:
    return [*cluster.containers(), *cluster.networks(), *FOLDER.glob("*")]


def test_check_mode_removes_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    assert changed(play(UNINSTALL, "--check", *WIPE)) > 0
    assert cluster.started() == before


def test_unreachable_host_is_reported_and_does_not_stop_the_others(cluster: Cluster, tmp_path: Path) -> None:
    host = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    more = tmp_path / "more.yml"
    more.write_text(json.dumps({"waba_coreapps": {"hosts": {"gone": host}}}), encoding="utf-8")
    result = play(UNINSTALL, "--check", *KEEP, "-i", str(more))
    table = result.stdout
    assert result.returncode != 0
    assert re.search(r"gone +host +gone +not reached +it cannot be reached: .*Connection refused", table)
    for container in cluster.containers():
        assert re.search(rf"localhost +container +{container.name} +would be removed", table)
    assert re.search(rf"localhost +volume +{NAME}_mysqlData +retained +volumes are removed only on request", table)


def test_folder_that_another_container_mounts_is_not_unmounted(cluster: Cluster, tmp_path: Path) -> None:
    more, media = tmp_path / "more.yml", {"media": {"type": "bind", "source": str(tmp_path)}}
    more.write_text(json.dumps({"waba_nfs_clients": {"hosts": {"localhost": {}}}}), encoding="utf-8")
    other = cluster.engine.containers.create(
        cluster.container("db").attrs["Config"]["Image"], volumes=[f"{tmp_path}:/media"], name=f"{NAME}-others"
    )
    try:
        result = play(UNINSTALL, "--check", *KEEP, "-i", str(more), "-e", json.dumps({"waba_volumes": media}))
    finally:
        other.remove()
    assert re.search(
        rf"localhost +mount +{tmp_path} +retained +in use by {other.name}, which does not belong to the cluster",
        result.stdout,
    )
    assert "Unmount the share now" not in result.stdout


def test_wrong_confirmation_removes_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    result = play(UNINSTALL, *WIPE, "-e", "waba_wipe_confirmation=yes")
    assert result.returncode != 0
    assert "Nothing was removed from localhost" in " ".join(result.stdout.split())
    assert cluster.started() == before


def test_uninstall_retains_the_data(cluster: Cluster, api: Api) -> None:
    (message,) = api.send("before the uninstall").json()["messages"]
    volumes = sorted(volume.name for volume in cluster.volumes())
    result = play(UNINSTALL, *KEEP)
    assert changed(result) > 0
    assert re.search(r"localhost +file +\S+/db.env +removed", result.stdout)
    assert (
        f"except for retained objects, nothing labelled {NAME} and no file of it is left on 1 host(s)" in result.stdout
    )
    assert remaining(cluster) == []
    assert sorted(volume.name for volume in cluster.volumes()) == volumes
    again = play(UNINSTALL, *KEEP, "-e", "waba_uninstall_also=docker")
    assert changed(again) == 0
    # Where the collection installed Docker, the retained volumes prevent its removal.
    installed = INSTALLED.exists() and "docker.io" in INSTALLED.read_text(encoding="utf-8").split()
    reason = rf"it holds .*the volume {volumes[0]}" if installed else "the collection did not install it"
    assert re.search(rf"localhost +Docker +engine +retained +{reason}", again.stdout)

    changed(play("playbooks/site.yml"))
    code, count = cluster.container("db").exec_run(
        ["mariadb", "waba", "-Ne", f"SELECT COUNT(*) FROM message WHERE message_id = '{message['id']}'"]
    )
    assert (code, count.strip()) == (0, b"1")
    assert log_in().is_healthy(), "the password of the admin is unchanged"


def test_uninstall_of_a_partial_installation(cluster: Cluster) -> None:
    files = {file: file.read_text(encoding="utf-8") for file in FOLDER.glob("*")}
    for file in files:
        file.unlink()
    changed(play(UNINSTALL, *KEEP))
    assert remaining(cluster) == [], "containers without files"

    FOLDER.mkdir(exist_ok=True)
    for file, text in files.items():
        file.write_text(text[: len(text) // 2], encoding="utf-8")  # truncated, too
    (FOLDER / "multiconnect-db.yml").write_text("a file of another program\n", encoding="utf-8")
    result = play(UNINSTALL, *KEEP)
    assert changed(result) > 0
    assert remaining(cluster) == [FOLDER / "multiconnect-db.yml"], "files without containers"
    assert "its first line shows that it is not the cluster's" in result.stdout
    (FOLDER / "multiconnect-db.yml").unlink()


def test_wipe_deletes_the_volumes_except_external_ones(cluster: Cluster) -> None:
    foreign = cluster.engine.volumes.create(f"{NAME}-outside", labels={"waba.cluster.name": NAME})
    external = f'{{"waba_volumes": {{"media": {{"type": "external", "source": "{foreign.name}"}}}}}}'
    try:
        changed(play(UNINSTALL, *WIPE, "-e", external))
        assert remaining(cluster) == []
        assert [volume.name for volume in cluster.volumes()] == [foreign.name]
    finally:
        foreign.remove()
    assert changed(play(UNINSTALL, *WIPE)) == 0
