"""The rules of the house as a whole: who imports whom, and what no file in the repository may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

# A room may import itself and the rooms after it.
ROOMS = ("custody", "pipelines", "exports", "warehouse", "sources", "dictionary")

MEGABYTE = 1_000_000

# A place on one machine: a home, or a folder in which somebody works. A URL's path is preceded by its host.
MACHINE_PATH = re.compile(r"(?<![\w.~)}\]/-])/(?:work|root|home/\w+|tmp/w)(?=/|[\"'\s]|$)", re.MULTILINE)


def modules(root: Path, *folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((root / folder).rglob("*.py"))


def imported_packages(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level package of every import, those inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module.partition(".")[0]


def imports_against_the_order(root: Path) -> list[str]:
    found = []
    for position, room in enumerate(ROOMS):
        for path in modules(root, room):
            for line, package in imported_packages(ast.parse(path.read_bytes())):
                if package in ROOMS[:position]:
                    found.append(f"{path.relative_to(root)}:{line} imports {package}")
    return found


def without_docstring(root: Path) -> list[str]:
    """Modules that do not say what belongs in them; one that is empty has nothing to say."""
    found = []
    for path in modules(root, *ROOMS, "tests"):
        tree = ast.parse(path.read_bytes())
        if tree.body and not ast.get_docstring(tree):
            found.append(str(path.relative_to(root)))
    return found


def machine_paths(text: str) -> list[str]:
    return [match.group() for match in MACHINE_PATH.finditer(text)]


@pytest.fixture(scope="module")
def repository_files() -> list[Path]:
    """What is committed, or would be by `git add --all`."""
    # The checkout may belong to another user, as it does in a container.
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    if listing.returncode:
        pytest.skip("this is no git checkout")
    paths = (REPOSITORY / name for name in listing.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_rooms_import_one_way() -> None:
    assert imports_against_the_order(REPOSITORY) == []


@pytest.mark.parametrize(
    "statement",
    [
        "import exports",
        "import exports.release as release",
        "import json, exports.release",
        "from exports import release",
        "from exports.release import write",
        "def late():\n    from exports.release import write",
        "if True:\n    import exports.release",
    ],
)
def test_an_import_against_the_order_is_seen(tmp_path: Path, statement: str) -> None:
    (tmp_path / "warehouse" / "checks").mkdir(parents=True)
    planted = tmp_path / "warehouse" / "checks" / "planted.py"
    planted.write_text(statement, encoding="utf-8")
    line = statement.count("\n") + 1
    assert imports_against_the_order(tmp_path) == [f"warehouse/checks/planted.py:{line} imports exports"]


def test_an_import_along_the_order_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    statements = "import warehouse.build\nfrom sources import archive\nfrom . import exports\nimport custodyx\n"
    (tmp_path / "warehouse" / "planted.py").write_text(statements, encoding="utf-8")
    assert imports_against_the_order(tmp_path) == []


def test_every_module_says_what_belongs_in_it() -> None:
    assert without_docstring(REPOSITORY) == []


def test_a_missing_docstring_is_seen(tmp_path: Path) -> None:
    (tmp_path / "sources" / "a_source").mkdir(parents=True)
    (tmp_path / "sources" / "__init__.py").touch()
    (tmp_path / "sources" / "a_source" / "parse.py").write_text("# a comment\nx = 1\n", encoding="utf-8")
    assert without_docstring(tmp_path) == ["sources/a_source/parse.py"]


def test_the_lock_names_hashes_and_no_place() -> None:
    lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|^--((extra-)?index-url|find-links|trusted-host)", lock, re.MULTILINE)
    requirements = re.findall(r"^\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})?", lock, re.MULTILINE)
    assert requirements
    assert all(requirements)


def test_no_file_is_over_two_megabytes(repository_files: list[Path]) -> None:
    assert [str(path) for path in repository_files if path.stat().st_size > 2 * MEGABYTE] == []


def test_no_file_names_a_place_on_one_machine(repository_files: list[Path]) -> None:
    found = {}
    for path in repository_files:
        content = path.read_bytes()
        if b"\0" not in content and (paths := machine_paths(content.decode("utf-8", "replace"))):
            found[str(path.relative_to(REPOSITORY))] = paths
    assert found == {}


@pytest.mark.parametrize("folder", ["work", "root", "home/ada", "tmp/w"])
def test_a_place_on_one_machine_is_seen(folder: str) -> None:
    for text in (f'Path("/{folder}/main")', f"cd /{folder}/main", f"raw = /{folder}", f"`/{folder}/x`"):
        assert machine_paths(text) == [f"/{folder}"]


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/work/a.csv",
        "../work/x",
        "/workshop",
        "rehabilitation/work/education",
        "/".join(["", "tmp", "wide"]),  # in pieces, so that this file holds no such path itself
    ],
)
def test_other_slashes_are_left_alone(text: str) -> None:
    assert machine_paths(text) == []


def test_dagster_reads_workspace_yaml() -> None:
    """A block for Dagster in pyproject.toml would make it ignore workspace.yaml without a word."""
    tools = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert not {"dagster", "dg"} & tools.keys()


def test_workbooks_are_opened_by_one_function() -> None:
    """It asks how far the sheets reach; a few bytes can claim more memory than there is, and that ends the process."""
    for path in (REPOSITORY / "sources").rglob("*.py"):
        opened = path.read_text(encoding="utf-8").count("CalamineWorkbook.from_")
        assert opened == (1 if path.name == "reading.py" else 0), path
