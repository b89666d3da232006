"""``requirements.txt`` line by line: what is asked for, and which lines are refused, by number and with what to do."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlc.model import required_libraries
from mlc.model.required_libraries import Requirements, RequirementsFile, read_requirements

SHA = "a" * 64
OTHER = "B" * 64


def read(text: str | bytes, *, own_files: bool = False) -> Requirements:
    content = text.encode() if isinstance(text, str) else text
    return read_requirements([RequirementsFile("requirements.txt", content)], own_files=own_files)


@pytest.mark.parametrize(
    ("text", "lines"),
    {
        "names and versions": ("a\nb==1\nC-d>=1, <2\ne~=1.0\nf!=3\ng (>=1)\n", "a|b==1|C-d<2,>=1|e~=1.0|f!=3|g>=1"),
        "extras": ("a[y, x]==1\n", "a[x,y]==1"),
        "comments and blanks": ("# all\n\na # one\n   # two\n\n", "a"),
        "a marker that is true": ("a==1 ; python_version > '3'\n", "a==1"),
        "a marker that is false": ("a==1; python_version < '3'\nb\n", "b"),
        "lines that are joined": ("a\\\n==\\\n1\nb \\\n  # a comment\nc\\", "a==1|b|c"),
        "a comment joins nothing": ("# a \\\nb\n", "b"),
        "a byte order mark, and ends of other systems": (b"\xef\xbb\xbfa\r\nb\rc\n", "a|b|c"),
        "hashes": (
            f"a==1 --hash=sha256:{SHA} \\\n    --hash=sha256:{OTHER}\nb==1 --hash sha512:{SHA * 2}\n",
            f"a==1 --hash=sha256:{SHA} --hash=sha256:{OTHER.lower()}|b==1 --hash=sha512:{SHA * 2}",
        ),
        "nothing": ("", ""),
    }.values(),
)
def test_packages_of_an_index_are_asked_for_as_pip_reads_them(text: str | bytes, lines: str) -> None:
    assert "|".join(str(each) for each in read(text).wanted if each.applies) == lines


OPTIONS = (
    "-r more.txt|-rmore.txt|--requirement more.txt|-c c.txt|-e .|-e git+https://h/x|-i https://h/|-ihttps://h/"
    "|--index-url https://h/|--index-url=https://h/|--extra-index-url https://h/|--find-links /x|-f /x|--no-index"
    "|--trusted-host h|--no-binary :all:|--only-binary :none:|--prefer-binary|--pre|--require-hashes"
    "|--use-feature fast-deps|--global-option x|a --global-option=x|a --config-settings x=y|a -e .|a\t--index-url h"
    f"|a --hash=sha256:{SHA} -i h|a; python_version > ' --index-url=h '|a \\\n  --index-url h|--unheard-of|-|--"
)
ADDRESSES = (
    "https://h/x.whl|http://h/x|HTTPS://h/x|file:///x|file:x|FILE:///x|ftp://h/x|a @ https://h/x.whl|a@https://h/x.whl"
    "|a[b] @ file:///x|a @ file:x ; python_version > '3'|//h/x|a @ x"
)
VERSION_CONTROL = (
    "git+https://h/x|git+ssh://git@h/x|hg+http://h/x|svn+http://h/x|bzr+lp:x|a @ git+file:///x|GIT+http://h"
)
PATHS = (
    ".|..|./x|../x|/x|~|~/x|~user/x|x.whl|./x.whl|x.tar.gz|x.zip|x.ZIP|x.tar.bz2|x.tgz|x/y|x\\y|C:\\x|C:/x|c:\\x.whl|.[a]"
    "|x.whl[a]|./x ; python_version > '3'|a===/etc|a===1.zip|a===../x"
)
NOTHING = (
    "a b|a==|==1|a==1==2|a;|a; nonsense|a; extras == 'x'|a; 'x' in extras|a[|@|'a'|\"a\"|$HOME|$(id)|`id`|a==1 and b"
    "|f\N{LATIN SMALL LETTER O WITH DIAERESIS}|a\0b|a==1\N{ARABIC-INDIC DIGIT ONE}|a===$(id)|%HOME%|import os|<a>|a#egg"
)
VARIABLES = "${HOME}|a==${VERSION}|a ; python_version > '${SECRET}'|${INDEX}a|a${x}"
HASHES = (
    f"a --hash=sha256:xyz|a --hash=md5:{'a' * 32}|a --hash=sha256:{SHA}a|a --hash|a --hash=|--hash=sha256:{SHA}"
    f"|a --hash=sha256:{SHA} b|a --hash=sha512:{SHA}"
)


def cases(lines: str, said: str) -> list[object]:
    return [pytest.param(line, said, id=ascii(line)) for line in lines.split("|")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        *cases(OPTIONS, r"the option -\S* is refused: .*\."),
        *cases(ADDRESSES, r"is not installed: write the package's name and version|is a path|is no requirement"),
        *cases(VERSION_CONTROL, "what lies in version control is not installed: write"),
        *cases(PATHS, r"is a path, from which nothing is installed: .*MLC_RUNTIME_SOURCE_BUILDS=true"),
        *cases(NOTHING, r"is no requirement: write|its marker .* mend it|is a path"),
        *cases(VARIABLES, r"\$\{\.\.\.\} is not replaced"),
        *cases(HASHES, "hash"),
    ],
)
def test_any_other_line_is_refused_by_its_number_with_what_to_do(line: str, said: str) -> None:
    found = read(f"# first\npandas\n{line}\nnumpy\n")
    assert [str(each) for each in found.wanted] == ["pandas", "numpy"]
    (problem,) = found.problems
    assert problem.startswith("requirements.txt, line 3: ")
    assert re.search(said, problem), problem
    assert problem.endswith(".")


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://robot:hidden-token@h/simple",
        "--index-url=https://robot:hidden-token@h/simple",
        "-ihttps://robot:hidden-token@h/simple",
        "x @ https://robot:hidden-token@h/x.whl",
        "https://robot:hidden-token@h/x.whl",
        "git+https://hidden-token@h/x",
        "robot:hidden-token@h/x",
        "//robot:hidden-token@h",
        "x==1 --extra-index-url https://hidden-token@h",
    ],
)
def test_a_refusal_shows_no_password(line: str) -> None:
    (problem,) = read(line).problems
    assert "hidden-token" not in problem


def test_a_refusal_shows_nothing_that_steers_a_terminal() -> None:
    (problem,) = read("a\x1b[2Jb \u202ec").problems
    assert problem.isprintable()


@pytest.mark.parametrize("line", [".", "./library", "library-1.0.tar.gz", "wheels/x-1.0-py3-none-any.whl"])
def test_paths_of_the_models_own_are_let_through_where_packages_are_built(line: str) -> None:
    (wanted,) = read(line, own_files=True).wanted
    assert str(wanted.path) == str(Path(line))


@pytest.mark.parametrize(
    "line", ["..", "../x", "./x/../../y", "/etc", "~", "~/x", "C:\\x", "x\\..\\y", ".[a]", "./x; python_version > '3'"]
)
def test_other_paths_are_refused_even_there(line: str) -> None:
    found = read(line, own_files=True)
    assert (found.wanted, len(found.problems)) == ([], 1)


@pytest.mark.parametrize("line", ["https://h/x", "git+https://h/x", "-e .", "-r x", "x @ file:///x", "file:///x"])
def test_addresses_and_options_are_refused_even_there(line: str) -> None:
    found = read(line, own_files=True)
    assert (found.wanted, len(found.problems)) == ([], 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfea\x00", "requirements.txt is not UTF-8 text: save it so."),
        ("# coding: latin-1\nf\N{LATIN SMALL LETTER O WITH DIAERESIS}".encode("latin-1"), "is not UTF-8 text"),
        (b"\n" * 20_001, "requirements.txt has 20,001 lines, more than 20,000: shorten it."),
        (b"a\n" * 1_001, "1,001 packages are required, more than 1,000"),
        (b"a==1." + b"1" * 1_000, "line 1: it is longer than 1,000 characters"),
        (b"a; " + b"(" * 900, "line 1: "),
        (b"a" + b"[" * 900, "line 1: "),
        (b"a\\\n" * 15_000, "line 1: it is longer than 1,000 characters"),
        (b"-r x\n" * 15, "5 more lines are refused."),
    ],
)
def test_what_is_too_much_is_told_in_a_sentence(content: bytes, said: str) -> None:
    assert said in read(content).problems[-1]


def test_files_are_told_apart_and_a_line_never_goes_on_in_the_next_file() -> None:
    files = [RequirementsFile("a/requirements.txt", b"x\\"), RequirementsFile("requirements.txt", b"\n-r y")]
    found = read_requirements(files)
    assert [str(each) for each in found.wanted] == ["x"]
    assert found.problems[0].startswith("requirements.txt, line 2: ")


@given(st.text(alphabet=st.sampled_from("ab1.=><!~[];,@#/\\\n\r\t -'\"${}:()\x0b\x85\u2028")))
def test_whatever_stands_there_pip_is_given_nothing_but_names_versions_and_hashes(text: str) -> None:
    for each in read(text).wanted:
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._,-]+\])?[A-Za-z0-9.,<>=!~+*_-]*", str(each))
        assert not required_libraries._is_path(str(each))
