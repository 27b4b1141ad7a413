"""A context is chosen from the user's kubeconfig files, which stay as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from conformance.errors import UsageError
from conformance.targets.base import current_context, kubeconfig_for
from tests.unit.conftest import kubeconfig


def test_without_a_context_the_users_own_stays(home: Path) -> None:
    kubeconfig(home / "kubeconfig", "a")

    assert kubeconfig_for(None) == {}


def test_a_context_is_found_in_any_of_several_files(home: Path) -> None:
    one, two = kubeconfig(home / "one", "a", "b", current="a"), kubeconfig(home / "two", "c")
    os.environ["KUBECONFIG"] = os.pathsep.join([str(one), str(home / "absent"), "", str(two)])

    environment = kubeconfig_for("c")
    path = Path(environment["KUBECONFIG"])
    made = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert made["current-context"] == "c"
    assert [context["name"] for context in made["contexts"]] == ["c"]
    assert {"name": "c-c", "cluster": {"server": "https://c"}} in made["clusters"]
    assert {"name": "u-c", "user": {"token": "t"}} in made["users"]
    assert path.stat().st_mode & 0o077 == 0, "others may read the credentials"


def test_of_two_entries_of_one_name_the_first_counts(home: Path) -> None:
    one, two = kubeconfig(home / "one", "a"), kubeconfig(home / "two", "a", "b")
    two.write_text(two.read_text(encoding="utf-8").replace("https://a", "https://another"), encoding="utf-8")
    os.environ["KUBECONFIG"] = os.pathsep.join([str(one), str(two)])

    made = yaml.safe_load(Path(kubeconfig_for("a")["KUBECONFIG"]).read_text(encoding="utf-8"))
    assert [c["cluster"]["server"] for c in made["clusters"] if c["name"] == "c-a"] == ["https://a"]


FILES = {
    "cluster": {"server": "https://a", "certificate-authority": "pki/ca.crt"},
    "user": {
        "client-certificate": "pki/me.crt",
        "client-key": "/kept/me.key",
        "tokenFile": "token",
        "exec": {"command": "./bin/log-in", "args": ["--for", "a"]},
    },
}


def test_files_are_looked_for_where_the_kubeconfig_that_names_them_is(home: Path) -> None:
    (home / "deep").mkdir()
    entries = {kind + "s": [{"name": "a", kind: content}] for kind, content in FILES.items()}
    (home / "deep" / "config").write_text(yaml.safe_dump(entries), encoding="utf-8")
    contexts = {"contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}
    (home / "kubeconfig").write_text(yaml.safe_dump(contexts), encoding="utf-8")
    os.environ["KUBECONFIG"] = os.pathsep.join([str(home / "kubeconfig"), "../home/deep/config"])

    made = yaml.safe_load(Path(kubeconfig_for("a")["KUBECONFIG"]).read_text(encoding="utf-8"))
    cluster, user = made["clusters"][0]["cluster"], made["users"][0]["user"]
    there = (home / "deep").resolve()
    assert Path(cluster["certificate-authority"]).resolve() == there / "pki" / "ca.crt"
    assert Path(user["client-certificate"]).resolve() == there / "pki" / "me.crt"
    assert user["client-key"] == "/kept/me.key"
    assert Path(user["tokenFile"]).resolve() == there / "token"
    assert Path(user["exec"]["command"]).resolve() == there / "bin" / "log-in"
    assert all(Path(path).is_absolute() for path in (cluster["certificate-authority"], user["tokenFile"]))
    assert user["exec"]["args"] == ["--for", "a"]


def test_a_command_that_is_searched_for_stays_so(home: Path) -> None:
    path = kubeconfig(home / "kubeconfig", "a")
    text = path.read_text(encoding="utf-8").replace("token: t", "exec: {command: aws, args: []}")
    path.write_text(text, encoding="utf-8")

    made = yaml.safe_load(Path(kubeconfig_for("a")["KUBECONFIG"]).read_text(encoding="utf-8"))
    assert made["users"][0]["user"]["exec"]["command"] == "aws"


def test_no_other_cluster_or_user_is_copied(home: Path) -> None:
    kubeconfig(home / "kubeconfig", "a", "b", "c")

    made = yaml.safe_load(Path(kubeconfig_for("b")["KUBECONFIG"]).read_text(encoding="utf-8"))
    assert [[entry["name"] for entry in made[part]] for part in ("clusters", "users", "contexts")] == [
        ["c-b"],
        ["u-b"],
        ["b"],
    ]


def test_the_users_files_are_not_touched(home: Path) -> None:
    path = kubeconfig(home / "kubeconfig", "a", "b", current="a")
    before = path.read_bytes()
    kubeconfig_for("b")

    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["a: [", "- a\n- b", "just words", "clusters: 5", b"\xff\xfe"])
def test_a_kubeconfig_that_can_not_be_read_names_its_file(home: Path, content: str | bytes) -> None:
    (home / "kubeconfig").write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(UsageError) as raised:
        kubeconfig_for("a")
    assert str(raised.value).startswith(f"{home / 'kubeconfig'}: not a readable kubeconfig: ")
    assert "\n" not in str(raised.value)


def test_without_any_kubeconfig_there_are_no_contexts(home: Path) -> None:
    with pytest.raises(UsageError, match=f"--context a: not in the kubeconfig {home}/kubeconfig; contexts: none"):
        kubeconfig_for("a")


def test_the_current_context_is_the_first_that_a_file_names(home: Path) -> None:
    one, two = kubeconfig(home / "one", "a"), kubeconfig(home / "two", "b", current="b")
    three = kubeconfig(home / "three", "c", current="c")
    os.environ["KUBECONFIG"] = os.pathsep.join(map(str, [one, two, three]))

    assert current_context() == "b"
    os.environ["KUBECONFIG"] = str(home / "absent")
    assert current_context() == ""
