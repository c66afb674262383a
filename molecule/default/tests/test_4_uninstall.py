"""Uninstalling: what goes, what stays, twice in a row, and from a half install. These tests end the scenario's cluster."""

from __future__ import annotations

from conftest import FOLDER, NAME, Api, Cluster, changed, log_in, play

UNINSTALL = "playbooks/uninstall.yml"
KEEP = ("-e", "waba_wipe_volumes=false")
WIPE = ("-e", "waba_wipe_volumes=true")


def left(cluster: Cluster) -> list:
    return [*cluster.containers(), *cluster.networks(), *FOLDER.glob("*")]


def test_check_mode_removes_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    assert changed(play(UNINSTALL, "--check", *WIPE)) > 0
    assert cluster.started() == before


def test_a_wrong_confirmation_removes_nothing(cluster: Cluster) -> None:
    before = cluster.started()
    result = play(UNINSTALL, *WIPE, "-e", "waba_wipe_confirmation=yes")
    assert result.returncode != 0
    assert "Nothing was removed from localhost" in " ".join(result.stdout.split())
    assert cluster.started() == before


def test_uninstall_keeps_the_data(cluster: Cluster, api: Api) -> None:
    (message,) = api.send("kept").json()["messages"]
    volumes = sorted(volume.name for volume in cluster.volumes())
    changed(play(UNINSTALL, *KEEP))
    assert left(cluster) == []
    assert sorted(volume.name for volume in cluster.volumes()) == volumes
    assert changed(play(UNINSTALL, *KEEP)) == 0

    changed(play("playbooks/site.yml"))
    code, found = cluster.container("db").exec_run(
        ["mariadb", "waba", "-Ne", f"SELECT COUNT(*) FROM message WHERE message_id = '{message['id']}'"]
    )
    assert (code, found.strip()) == (0, b"1")
    assert log_in().is_whole(), "the admin's password is the same as before"


def test_uninstall_of_half_an_install(cluster: Cluster) -> None:
    files = {file: file.read_text(encoding="utf-8") for file in FOLDER.glob("*")}
    for file in files:
        file.unlink()
    changed(play(UNINSTALL, *KEEP))
    assert left(cluster) == [], "containers without files"

    FOLDER.mkdir(exist_ok=True)
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    changed(play(UNINSTALL, *KEEP))
    assert left(cluster) == [], "files without containers"


def test_wipe_deletes_the_volumes_and_no_external_one(cluster: Cluster) -> None:
    outside = cluster.engine.volumes.create(f"{NAME}-outside", labels={"waba.cluster.name": NAME})
    external = f'{{"waba_volumes": {{"media": {{"type": "external", "source": "{outside.name}"}}}}}}'
    try:
        changed(play(UNINSTALL, *WIPE, "-e", external))
        assert left(cluster) == []
        assert [volume.name for volume in cluster.volumes()] == [outside.name]
    finally:
        outside.remove()
    assert changed(play(UNINSTALL, *WIPE)) == 0
