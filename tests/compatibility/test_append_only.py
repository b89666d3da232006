"""Saved histories are append only: each kind of breach, in a made-up repository, and what is no breach."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compatibility.append_only import Findings, check
from tests.compatibility.histories import SUMS, list_new_files
from tests.compatibility.releases import ROOT, read_releases

KNOWN = "0" * 40


class Repository:
    """A git repository that had flat histories when 0.1.0 came out, as ours did; since then they lie in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.histories = root / "tests" / "histories"
        self.old, self.new = self.histories / "0.1.0", self.histories / "0.2.0"
        self.histories.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        for name in ("one-1", "two-1"):
            (self.histories / f"{name}.json").write_text(f'{{"name": "{name}"}}\n')
        self.commit()
        self.released = self.git("rev-parse", "HEAD").strip()
        self.old.mkdir()
        for file in self.histories.glob("*.json"):
            file.rename(self.old / file.name)
        list_new_files(self.old)
        self.frozen = root / "tests" / "compatibility" / "frozen"
        self.frozen.mkdir(parents=True)
        for name in ("0.1.0", "next"):
            (self.frozen / f"{name}.json").write_text("{}")
        self.releases(f"0.1.0 {self.released}\n")
        self.commit()

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, "-C", str(self.root), *arguments], capture_output=True, text=True, check=True
        ).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "More")

    def releases(self, text: str) -> None:
        (self.root / "RELEASES").write_text(text)

    def add(self, folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f'{{"name": "{name}"}}\n')
        list_new_files(folder)

    def sums_anew(self, folder: Path) -> None:
        """So that only git can tell."""
        (folder / SUMS).unlink()
        list_new_files(folder)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_the_projects_own_histories_are_as_they_were() -> None:
    assert check(ROOT).errors == []


def test_a_move_into_the_releases_folder_is_no_breach(repository: Repository) -> None:
    assert check(repository.root) == Findings()


def test_a_new_history_in_a_new_releases_folder_is_no_breach(repository: Repository) -> None:
    repository.add(repository.new, "three-1.json")
    assert check(repository.root) == Findings()
    repository.commit()
    repository.add(repository.new, "four-1.json")
    assert check(repository.root) == Findings()


def test_the_record_of_the_release_to_come_may_change(repository: Repository) -> None:
    (repository.frozen / "next.json").write_text("[]")
    assert check(repository.root) == Findings()


def changed(repository: Repository) -> None:
    (repository.old / "one-1.json").write_text("{}")


def removed(repository: Repository) -> None:
    (repository.old / "one-1.json").unlink()


def unlisted(repository: Repository) -> None:
    (repository.old / "three-1.json").write_text("{}")


def unlisted_and_no_history(repository: Repository) -> None:
    (repository.old / "notes.txt").write_text("")


def listed_and_no_history(repository: Repository) -> None:
    unlisted_and_no_history(repository)
    with (repository.old / SUMS).open("a") as sums:
        sums.write(f"{'e' * 64}  notes.txt\n")


def a_folder_in_a_folder(repository: Repository) -> None:
    (repository.old / "more.json").mkdir()
    with (repository.old / SUMS).open("a") as sums:
        sums.write(f"{'e' * 64}  more.json\n")


def without_sums(repository: Repository) -> None:
    (repository.old / SUMS).unlink()


def unreadable_sums(repository: Repository) -> None:
    with (repository.old / SUMS).open("a") as sums:
        sums.write("one-1.json\n")


def sums_of_another_folder(repository: Repository) -> None:
    with (repository.old / SUMS).open("a") as sums:
        sums.write(f"{'e' * 64}  ../one-1.json\n")


def listed_twice(repository: Repository) -> None:
    text = (repository.old / SUMS).read_text()
    (repository.old / SUMS).write_text(text + text.splitlines()[0] + "\n")


def in_no_folder(repository: Repository) -> None:
    (repository.histories / "three-1.json").write_text("{}")


def in_a_folder_of_no_release(repository: Repository) -> None:
    repository.add(repository.histories / "next", "three-1.json")


def in_a_folder_with_half_a_version(repository: Repository) -> None:
    repository.add(repository.histories / "0.2", "three-1.json")


def no_histories(repository: Repository) -> None:
    for file in repository.old.iterdir():
        file.unlink()
    repository.old.rmdir()


def without_releases(repository: Repository) -> None:
    (repository.root / "RELEASES").unlink()


def changed_with_its_sum(repository: Repository) -> None:
    changed(repository)
    repository.sums_anew(repository.old)


def removed_with_its_sum(repository: Repository) -> None:
    removed(repository)
    repository.sums_anew(repository.old)


def renamed_with_its_sum(repository: Repository) -> None:
    (repository.old / "one-1.json").rename(repository.old / "uno-1.json")
    repository.sums_anew(repository.old)


def moved_to_a_later_release(repository: Repository) -> None:
    repository.add(repository.new, "three-1.json")
    (repository.old / "one-1.json").rename(repository.new / "one-1.json")
    for folder in (repository.old, repository.new):
        repository.sums_anew(folder)


def added_to_a_release_that_is_out(repository: Repository) -> None:
    repository.add(repository.old, "three-1.json")


def a_release_taken_out(repository: Repository) -> None:
    repository.releases(f"0.2.0 {repository.released}\n")


def a_release_with_another_commit(repository: Repository) -> None:
    repository.releases(f"0.1.0 {KNOWN}\n")


def a_changed_record(repository: Repository) -> None:
    (repository.frozen / "0.1.0.json").write_text("[]")


def a_removed_record(repository: Repository) -> None:
    (repository.frozen / "0.1.0.json").unlink()


BREACHES: list[tuple[Callable[[Repository], None], str]] = [
    (changed, "0.1.0/one-1.json was changed: its hash"),
    (removed, "0.1.0/one-1.json is listed in SHA256SUMS and missing"),
    (unlisted, "0.1.0/three-1.json is not listed in SHA256SUMS"),
    (unlisted_and_no_history, "0.1.0/notes.txt is not listed"),
    (listed_and_no_history, "0.1.0/notes.txt is no history"),
    (a_folder_in_a_folder, "0.1.0/more.json is no file"),
    (without_sums, "0.1.0/SHA256SUMS is missing"),
    (unreadable_sums, "0.1.0/SHA256SUMS, line 3: a hash, two spaces"),
    (sums_of_another_folder, "0.1.0/SHA256SUMS, line 3: a hash, two spaces"),
    (listed_twice, "0.1.0/SHA256SUMS, line 3: one-1.json stands there twice"),
    (in_no_folder, "tests/histories/three-1.json lies in no release's folder"),
    (in_a_folder_of_no_release, "'next' is no version"),
    (in_a_folder_with_half_a_version, "'0.2' is no version"),
    (no_histories, "holds no folder of histories"),
    (without_releases, "RELEASES is missing"),
    (changed_with_its_sum, "one-1.json, which was there at the commit in common with main"),
    (removed_with_its_sum, "one-1.json, which was there at the commit in common with main"),
    (renamed_with_its_sum, "one-1.json, which was there at the commit in common with main"),
    (moved_to_a_later_release, "one-1.json, which was there at the commit in common with main"),
    (added_to_a_release_that_is_out, "three-1.json was added after release 0.1.0"),
    (a_changed_record, "frozen/0.1.0.json, which was there at the commit in common with main"),
    (a_removed_record, "frozen/0.1.0.json, which was there at the commit in common with main"),
    (a_release_taken_out, "RELEASES: a line that was there at"),
    (a_release_with_another_commit, "RELEASES: a line that was there at"),
]


@pytest.mark.parametrize(("breach", "said"), BREACHES, ids=[breach.__name__ for breach, _ in BREACHES])
def test_a_breach_is_named(repository: Repository, breach: Callable[[Repository], None], said: str) -> None:
    breach(repository)
    assert said in " ".join(check(repository.root).errors)


@pytest.mark.parametrize("breach", [changed_with_its_sum, removed_with_its_sum, renamed_with_its_sum])
def test_a_breach_that_was_committed_on_a_branch_is_seen_from_main(
    repository: Repository, breach: Callable[[Repository], None]
) -> None:
    repository.git("checkout", "--quiet", "-b", "work")
    breach(repository)
    repository.commit()
    assert "which was there at the commit in common with main" in " ".join(check(repository.root).errors)


@pytest.mark.parametrize("breach", [changed_with_its_sum, removed_with_its_sum, renamed_with_its_sum])
def test_a_breach_that_main_itself_holds_is_seen_from_the_release(
    repository: Repository, breach: Callable[[Repository], None]
) -> None:
    breach(repository)
    repository.commit()
    assert "one-1.json, which was there in release 0.1.0" in " ".join(check(repository.root).errors)


def test_a_clone_without_the_releases_commit_says_so_and_compares_with_main(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "anew")
    repository.releases(f"0.1.0 {KNOWN}\n")
    repository.commit()
    repository.git("branch", "--force", "main", "anew")
    findings = check(repository.root)
    assert findings == Findings(notes=["The commit of 0.1.0 is not in this clone: not compared."])
    changed_with_its_sum(repository)
    assert "in common with main" in " ".join(check(repository.root).errors)


def test_without_a_main_branch_the_releases_are_compared_all_the_same(repository: Repository) -> None:
    repository.git("branch", "--move", "main", "work")
    changed_with_its_sum(repository)
    findings = check(repository.root)
    assert findings.notes == ["Neither origin/main nor main has a commit in common with this one: not compared."]
    assert "which was there in release 0.1.0" in " ".join(findings.errors)


def test_the_remotes_main_branch_is_compared_too(repository: Repository) -> None:
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    repository.git("branch", "--move", "main", "work")
    changed_with_its_sum(repository)
    assert "in common with origin/main" in " ".join(check(repository.root).errors)


def test_without_git_only_the_sums_are_checked_and_said_to_be(repository: Repository, tmp_path: Path) -> None:
    (repository.root / ".git").rename(repository.root / "not-git")
    assert check(repository.root) == Findings(notes=["There is no git repository here: only the sums were checked."])
    changed(repository)
    assert "its hash is not the one" in " ".join(check(repository.root).errors)


def test_unpacked_in_somebody_elses_repository_only_the_sums_are_checked(tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner")
    (inner.root / ".git").rename(tmp_path / ".git")
    assert check(inner.root).notes == ["There is no git repository here: only the sums were checked."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("0.1.0\n", "line 1"),
        ("0.1.0 8894455\n", "line 1: a version and the full hash"),
        (f"0.1 {KNOWN}\n", "'0.1' is no version"),
        (f"v0.1.0 {KNOWN}\n", "'v0.1.0' is no version"),
        (f"0.1.0  {KNOWN}\n", "line 1"),
        (f"0.1.0 {KNOWN}\n\n", "line 2"),
        (f"0.2.0 {KNOWN}\n0.1.0 {KNOWN}\n", "line 2: 0.1.0 does not come after 0.2.0"),
        (f"0.1.0 {KNOWN}\n0.1.0 {KNOWN}\n", "line 2: 0.1.0 does not come after 0.1.0"),
        (f"0.10.0 {KNOWN}\n0.9.0 {KNOWN}\n", "line 2: 0.9.0 does not come after 0.10.0"),
    ],
)
def test_a_list_of_releases_that_cant_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"RELEASES|version") as refused:
        read_releases(text)
    assert said in str(refused.value)
