# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.action.plan import _lost_secrets, _refused_password

RUNNING = {"services": [{"service": "master", "container": "0123"}]}
STRAY = {"services": [{"service": "former", "container": "4567"}]}
EMPTY = {"services": [{"service": "master", "container": ""}]}


def test_missing_secrets_are_refused_on_every_host_that_runs_the_cluster() -> None:
    problems = _lost_secrets({"a": RUNNING, "b": EMPTY, "c": STRAY, "d": {}}, ["waba_admin_password"], "/i/secrets.yml")
    assert [host for host, _problem in problems] == ["a", "c"]
    (_host, problem), *_rest = problems
    assert (problem.variable, problem.value) == ("waba_secrets_file", "/i/secrets.yml")
    assert "waba_admin_password: not known here, but this host runs the cluster with them" in problem.problem
    assert "Copy the file here" in problem.fix


def test_secrets_are_generated_where_no_host_runs_the_cluster() -> None:
    assert _lost_secrets({"a": EMPTY, "b": {}}, ["waba_admin_password"], "/i/secrets.yml") == []
    assert _lost_secrets({"a": RUNNING}, [], "/i/secrets.yml") == []


def test_a_changed_admin_password_is_refused_by_its_setting_and_without_its_value() -> None:
    ((host, problem),) = _refused_password("w", {"login": "refused"})
    assert (host, problem.variable, problem.value) == ("w", "waba_admin_password", "(redacted)")
    for login in ("accepted", "initial", "unknown"):
        assert _refused_password("w", {"login": login}) == []
