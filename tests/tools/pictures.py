"""Write the pictures of plan, status and drill below docs/images from the code that prints them, with the data of a sample cluster.

Run it as a program from any folder. The pictures of the console are of a running cluster: images/node/tests/webapp/browser_pictures.py.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import jinja2
import yaml

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
REGENERATE = ".venv/bin/python tests/tools/pictures.py"
sys.path.insert(0, str(ROOT / ".build"))

from ansible_collections.waba.cluster.plugins.filter.cluster_status import cluster_status  # noqa: E402
from ansible_collections.waba.cluster.plugins.filter.drill_plan import drill_plan  # noqa: E402
from ansible_collections.waba.cluster.plugins.filter.drill_promise import drill_promise  # noqa: E402
from ansible_collections.waba.cluster.plugins.filter.drill_report import drill_report  # noqa: E402
from ansible_collections.waba.cluster.plugins.module_utils._internal.cluster import plan  # noqa: E402
from ansible_collections.waba.cluster.plugins.module_utils._internal.report.health import assess, parse_nodes  # noqa: E402
from ansible_collections.waba.cluster.plugins.module_utils._internal.table import table  # noqa: E402

FONT, CHARACTER, LINE, MARGIN = 13, 7.8, 18, 16  # pixels
NO_BREAK = "\u00a0"  # browsers collapse other spaces
VERSION = "1.0.0"  # of the sample, which a release does not change
NODE = f"waba/node:v{VERSION}"
# The cluster of inventories/production: {host: (service, role, container, role in the answer of the API, connection)}.
CLUSTER = {
    "db1": ("db", "mysql", "d1", "", ""),
    "master1": ("master", "master", "m1", "primary_master", "disconnected"),
    "master2": ("master", "master", "m2", "secondary_master", "disconnected"),
    "coreapp1": ("wacore", "coreapp", "c1", "coreapp", "connected"),
    "coreapp2": ("wacore", "coreapp", "c2", "coreapp", "disconnected"),
    "coreapp3": ("wacore", "coreapp", "c3", "coreapp", "disconnected"),
    "webapp1": ("waweb", "webapp", "w1", "", ""),
    "webapp2": ("waweb", "webapp", "w2", "", ""),
}
REGISTERED = {"status": "observed", "health": "health"}


def environment() -> jinja2.Environment:
    """Return Jinja2 with the options of Ansible's templates."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([ROOT / "tests/tools", ROOT / "roles/drill/templates"]),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=True,
    )


def terminal(command: str, output: list[str], title: str) -> str:
    """Return an SVG of a command and its output. The width of each line is given, so that columns agree in every font."""
    texts = [f"$ {command}", "", *output]
    lines = [
        {
            "text": text.replace(" ", NO_BREAK),
            "y": MARGIN + FONT + number * LINE,
            "length": round(len(text) * CHARACTER, 1),
        }
        for number, text in enumerate(texts)
    ]
    return (
        environment()
        .get_template("terminal.svg.j2")
        .render(
            title=title,
            lines=lines,
            font=FONT,
            margin=MARGIN,
            width=round(2 * MARGIN + max(map(len, texts)) * CHARACTER),
            height=2 * MARGIN + len(texts) * LINE,
        )
        + "\n"
    )


def answers() -> dict[str, dict[str, Any]]:
    """Return the answer of the API about each node of the cluster, by name."""
    return {
        f"{host}:{container}": {"role": role, "gateway_status": connection}
        for host, (_service, _kind, container, role, connection) in CLUSTER.items()
        if role
    }


def variables(health: dict[str, dict[str, Any]], lost: str = "") -> dict[str, dict[str, Any]]:
    """Return the variables of every host as a run registers them. health: as from `answers`. lost: a host that is down."""
    nodes = parse_nodes(health)
    reasons, summary = assess(nodes, masters=2, coreapps=3, shards=1)
    found: dict[str, dict[str, Any]] = {}
    for host, (service, role, container, _role, _connection) in CLUSTER.items():
        image = f"waba/mariadb:v{VERSION}" if role == "mysql" else NODE
        row = {"service": service, "role": role, "container": container, "image": image, "drift": []}
        seen = {"services": [{**row, "state": "running", "health": "healthy"}], "files": {}, "error": ""}
        down = {"unreachable": True, "msg": "Connection timed out"}
        found[host] = {"observed": down if host == lost else seen}
        if role == "webapp":
            lags = {"messages": 0, "webhooks": 2}
            found[host]["health"] = {
                "healthy": not reasons,
                "summary": summary,
                "reasons": reasons,
                "nodes": nodes,
                "lags": lags,
            }
    return found


def status_picture() -> str:
    """Return the status after the loss of the host with the connected coreapp."""
    health = answers()
    health["coreapp1:c1"] = {"role": "coreapp", "errors": [{"details": "no answer"}]}
    health["coreapp2:c2"]["gateway_status"] = "connected"
    status = cluster_status(variables(health, lost="coreapp1"), CLUSTER, REGISTERED)
    problems = [list(one.values()) for one in status["problems"]]
    lines = [*status["lines"], "", *table(problems, ("host", "service", "problem"))]
    title = "status.yml after the loss of a host: another coreapp is connected, and the problems are named"
    return terminal("ansible-playbook waba.cluster.status -i my-cluster", lines, title)


def plan_picture() -> str:
    """Return the plan for a host that was added, and a container that is stopped."""
    docker = {"missing_packages": [], "running": True, "proxy": ""}
    sound = {"docker": docker, "images": {NODE: {"id": "1"}}, "single_connect": []}
    files = ("db.env", "multiconnect-coreapp.yml")
    new = {
        "docker": {"missing_packages": ["docker-cli", "docker-compose", "docker.io"], "running": False, "proxy": ""},
        "images": {},
        "single_connect": [],
        "files": dict.fromkeys(files, "it is missing"),
        "file_changes": [{"name": name, "action": "create", "diff": {}} for name in files],
        "actions": [
            {"service": "wacore", "role": "coreapp", "image": NODE, "action": "create", "reason": "it has no container"}
        ],
    }
    stopped = {"service": "waweb", "role": "webapp", "image": NODE, "action": "start", "reason": "it is exited"}
    seen = {"coreapp4": new, "webapp2": {**sound, "actions": [stopped]}}
    changes = [change for host, one in seen.items() for change in plan.host_changes(host, one, {}, [NODE])]
    lines = ["Plan:", *(f"  {line}" for line in plan.lines(changes))]
    title = "The plan of site.yml: a new coreapp on coreapp4, and a webapp that is stopped on webapp2"
    return terminal("ansible-playbook waba.cluster.site -i my-cluster --check", lines, title)


def call(kind: str, at: float, *, refused: bool = False) -> dict[str, Any]:
    """Return a call of the test traffic as drill_traffic measures it."""
    error = "the shard has no owner" if refused else ""
    outcome = "refused" if refused else "accepted"
    return {"at": at, "seconds": 0.02, "kind": kind, "outcome": outcome, "error": error, "recipient": 0}


def drill() -> dict[str, Any]:
    """Return the variables of the report of a drill: the connected coreapp is killed, and another one is connected after 32 s."""
    defaults = yaml.safe_load((ROOT / "roles/drill/defaults/main.yml").read_text(encoding="utf-8"))
    settings = {name.removeprefix("waba_drill_"): value for name, value in defaults.items()}
    settings |= {"target": "coreapp", "upstream": "loopback", "images": [NODE]}
    database = {"hosts": ["db1"], "members": []}
    planned = drill_plan(variables(answers()), list(CLUSTER), REGISTERED, settings, database)
    promise = drill_promise(planned, {"heartbeat_interval": 5, "unhealthy_interval": 30}, 0)
    began, taken_over = 5.0, 37.0
    ended = began + promise["duration"]
    messages = [call("message", number / 5, refused=began <= number / 5 < taken_over - 1) for number in range(340)]
    reads = [call("read", number + 0.4) for number in range(68)]
    states = [
        {
            "at": float(at),
            "primary": "m1",
            "connected": ["c1"] if at <= began else [] if at < taken_over else ["c2"],
            "healthy": not began < at < ended + 6,
        }
        for at in range(68)
    ]
    report = drill_report(
        {"began": 0.0, "calls": messages + reads, "states": states}, {"began": began, "ended": ended}, planned, promise
    )
    return {
        "waba_cluster_name": "waba",
        "__drill_plan": planned,
        "__drill_promise": promise,
        "__drill_report": report,
        "__drill_time": "20260131T090000",
        "__drill_missed": "",
    }


def drill_page() -> str:
    """Return the report of the drill as an HTML page."""
    return environment().get_template("report.html.j2").render(drill())


def drill_table() -> str:
    """Return the verdicts of the drill, as drill.yml prints them."""
    rows = drill()["__drill_report"]["rows"]
    return "\n".join(table([list(row.values()) for row in rows], list(rows[0])))


def drill_picture() -> str:
    """Return the timeline of the report, with the rules of the page's style that concern it."""
    page = drill_page()
    style = page[page.index("<style>") + len("<style>") : page.index("</style>")]
    (figure,) = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    rules = [line for line in style.strip().splitlines() if not re.match(r"body|table|th|\.|figure|svg \{", line)]
    title = "<title>A drill: the connected coreapp is killed, and another one is connected after 32 s</title>"
    head = ["<style>", *rules, "svg { background: var(--back); font-family: system-ui, sans-serif; }", "</style>"]
    opening, rest = figure.split("\n", 1)
    opening = opening.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ').replace(
        ' aria-labelledby="caption"', ""
    )
    return "\n".join([opening, title, *head, rest, ""])


PICTURES = {"plan.svg": plan_picture, "status.svg": status_picture, "drill.svg": drill_picture}


if __name__ == "__main__":
    for name, picture in PICTURES.items():
        (IMAGES / name).write_text(picture(), encoding="utf-8")
