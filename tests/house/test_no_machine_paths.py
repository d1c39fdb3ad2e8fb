"""The repository knows no machine: no home folder, no registry, no mirror."""

import re

from tests.house.tree import committed, name_of

# Parted, so that this file does not find itself.
PLACES = "(?<![A-Za-z0-9_.])/(?:root|work|home/[a-z]|Users/[A-Za-z])[A-Za-z0-9_]*/"
REGISTRIES = "(?:pypi|pythonhosted|npmjs|deb[.]debian)[.](?:org|com)"
STRANGE = re.compile(f"{PLACES}|{REGISTRIES}")


def test_no_committed_file_names_a_place_of_one_machine() -> None:
    found = []
    for path in committed():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{name_of(path)}: {match.group()}" for match in STRANGE.finditer(text)]

    assert found == []
