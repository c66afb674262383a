# Copyright: (c) 2026, waba.cluster contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.waba.cluster.plugins.module_utils.nfs.io import proof as share_proof

HOSTS = ["node1", "node2@dc/1", "node3"]
TOKENS = dict(zip(HOSTS, ["t1", "t2", "t3"]))


def leave_all(share, tokens):
    for host, token in tokens.items():
        share_proof.leave(str(share), host, HOSTS, token)


def test_every_host_reads_and_deletes_what_every_host_wrote_and_nothing_is_left(tmp_path):
    (tmp_path / "media").touch()
    leave_all(tmp_path, TOKENS)
    assert [share_proof.collect(str(tmp_path), host, TOKENS) for host in HOSTS] == [{}, {}, {}]
    assert [path.name for path in tmp_path.iterdir()] == ["media"]


def test_a_host_with_another_share_is_named(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    share_proof.leave(str(one), "node1", HOSTS, "t1")
    share_proof.leave(str(other), "node3", HOSTS, "t3")
    wrong = share_proof.collect(str(one), "node1", {"node1": "t1", "node3": "t3"})
    assert wrong == {"node3": "what it wrote is not seen here: it has another share mounted, or another folder of it"}


def test_a_note_that_reads_differently_is_told(tmp_path):
    leave_all(tmp_path, TOKENS)
    note = next(path for path in tmp_path.rglob("node1@*@node3"))
    note.write_text("something else")
    assert share_proof.collect(str(tmp_path), "node3", TOKENS) == {"node1": "what it wrote is read differently here"}


def test_notes_for_hosts_that_fell_out_go_too(tmp_path):
    leave_all(tmp_path, {"node1": "t1", "node3": "t3"})
    for host in ("node1", "node3"):
        assert share_proof.collect(str(tmp_path), host, {"node1": "t1", "node3": "t3"}) == {}
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next(tmp_path):
    leave_all(tmp_path, dict.fromkeys(HOSTS, "killed"))
    leave_all(tmp_path, TOKENS)
    assert all(share_proof.collect(str(tmp_path), host, TOKENS) == {} for host in HOSTS)
    assert list(tmp_path.iterdir()) == []
