"""The fonts are the ones in fonts.json, all of them, and nothing else."""

import json
from pathlib import Path

import pytest

from services.dispatch.rendering.fonts import MANIFEST, FontFault, load_fonts
from services.dispatch.rendering.scripts import setting_for


def a_manifest(folder: Path, **sums: str | None) -> Path:
    """fonts.json with the sums of some files of Noto Serif changed, or (None) left out."""
    packages = json.loads(MANIFEST.read_text())
    serif = packages["fontpkg_noto_serif/files"] | sums
    packages["fontpkg_noto_serif/files"] = {name: sum_ for name, sum_ in serif.items() if sum_}
    path = folder / "fonts.json"
    path.write_text(json.dumps(packages))
    return path


@pytest.mark.parametrize("language", ["en", "ar", "zh", "zh-TW", "zh-HK", "ja", "ko", "my"])
def test_every_family_a_setting_names_is_there(language: str) -> None:
    families = set(load_fonts().families())

    named = setting_for(language).families

    assert {name if isinstance(name, str) else name["name"] for name in named} <= families


@pytest.mark.parametrize(
    ("sum_", "reason"), [("0" * 64, "is not the one"), (None, "differ from the list")]
)
def test_a_changed_or_unlisted_font_is_refused_by_name(
    tmp_path: Path, sum_: str | None, reason: str
) -> None:
    manifest = a_manifest(tmp_path, **{"NotoSerif[wdth,wght].ttf": sum_})

    with pytest.raises(FontFault, match=reason) as caught:
        load_fonts(manifest)

    assert "NotoSerif[wdth,wght].ttf" in str(caught.value)


def test_a_missing_font_is_refused_by_name(tmp_path: Path) -> None:
    manifest = a_manifest(tmp_path, **{"Lost.ttf": "0" * 64})

    with pytest.raises(FontFault, match=r"Lost\.ttf .*is missing"):
        load_fonts(manifest)


def test_a_missing_package_is_refused_by_name(tmp_path: Path) -> None:
    manifest = tmp_path / "fonts.json"
    manifest.write_text(json.dumps({"no_such_fonts/files": {}}))

    with pytest.raises(FontFault, match="no_such_fonts is not installed"):
        load_fonts(manifest)
