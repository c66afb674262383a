"""A lab: containers on this machine that act as hosts, each with its own address, SSH, systemd and Docker engine.

``python tests/lab/lab.py up`` writes an inventory to .build/lab/NAME/inventory; ``down`` removes everything except the seed, a volume
with the images for the next lab.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import click
import yaml
from engine import Lab
from layout import SEATS, connections, hosts, inventory, named_hosts

BUILD = Path(__file__).resolve().parents[2] / ".build" / "lab"
IMAGES = ("waba/node:v1.0.0", "waba/mariadb:v1.0.0")

NAME = click.option(
    "--name", default="lab", show_default=True, help="Name of the lab; several can run at the same time."
)


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command(help="Start a lab; a lab of the same name is removed first.")
@NAME
@click.option(
    "--hosts", "count", default=len(SEATS), show_default=True, type=click.IntRange(1, 64), help="Number of hosts."
)
@click.option("--bare", default=1, show_default=True, type=click.IntRange(0), help="Number of hosts without Docker.")
@click.option("--host", "names", multiple=True, help="Name of a host, in place of --hosts; such hosts have no group.")
@click.option("--bare-host", "bare_names", multiple=True, help="Name of such a host without Docker, after the others.")
@click.option("--ipv6", is_flag=True, help="Hosts without IPv4 addresses, which know each other by their addresses.")
@click.option(
    "--image", "images", multiple=True, default=IMAGES, show_default=True, help="Images in the store of every host."
)
def up(
    name: str,
    count: int,
    bare: int,
    names: tuple[str, ...],
    bare_names: tuple[str, ...],
    ipv6: bool,
    images: tuple[str, ...],
) -> None:
    began = time.monotonic()
    lab, folder = Lab(name), BUILD / name
    lab.remove()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "inventory").mkdir(parents=True)
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab {name}", "-f", str(key)], check=True)
    subnet = lab.create_network(ipv6=ipv6)
    named = (*names, *bare_names)
    members = named_hosts(name, named, bare_names, subnet) if named else hosts(name, count, bare, subnet)
    lab.start_hosts(members, key.with_suffix(".pub").read_text(encoding="utf-8"), list(images))
    for file, content in (
        (folder / "connections.yml", connections(members, folder)),
        (folder / "inventory" / "hosts.yml", inventory(members, folder)),
    ):
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    for host in members:
        roles = ", ".join(host.groups) or "no group"
        click.echo(f"{host.name:10} {host.address:26} {host.hostname:24} {roles}{' (bare)' if host.bare else ''}")
    click.echo(
        f"{len(members)} hosts up in {time.monotonic() - began:.1f} s: ansible-playbook -i {folder / 'inventory'} ..."
    )


@main.command(help="Remove a lab with its data.")
@NAME
def down(name: str) -> None:
    removed = Lab(name).remove()
    shutil.rmtree(BUILD / name, ignore_errors=True)
    click.echo(f"{removed} hosts removed")


if __name__ == "__main__":
    main()
