"""images.yml saves the images of every host of an inventory, and no others."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import yaml
from plays import changed, run_playbook

REPOSITORY = "waba-inputs"


@pytest.fixture
def tiny_images() -> Iterator[dict[str, str]]:
    """The names of tiny images, by their use."""
    engine, names = docker.from_env(), {use: f"{REPOSITORY}/{use}:v1" for use in ("coreapp", "webapp", "mysql")}
    for use in names:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.addfile(tarfile.TarInfo(use))
        engine.api.import_image_from_data(packed.getvalue(), repository=f"{REPOSITORY}/{use}", tag="v1")
    yield names
    for name in names.values():
        engine.images.remove(name)


def test_image_of_one_group_is_saved_too(tiny_images: dict[str, str], tmp_path: Path) -> None:
    # No host is contacted: the images are those of the controller.
    inventory = {
        "all": {
            "vars": {
                "images_source": "preloaded",
                "images_archive": str(tmp_path / "saved"),
                "waba_coreapp_image": tiny_images["coreapp"],
                "waba_mysql_image": tiny_images["mysql"],
            },
            "children": {
                "waba_mysql": {"hosts": {"192.0.2.1": {}}},
                "waba_masters": {"hosts": {"192.0.2.2": {}}},
                "waba_coreapps": {"hosts": {"192.0.2.2": {}}},
                "waba_webapps": {"hosts": {"192.0.2.3": {}}, "vars": {"waba_webapp_image": tiny_images["webapp"]}},
            },
        }
    }
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    assert changed(run_playbook(tmp_path / "hosts.yml", "playbooks/images.yml")) == 1
    saved = json.loads((tmp_path / "saved" / "images.json").read_text(encoding="utf-8"))
    assert set(saved) == set(tiny_images.values())
