import pytest

from rsscircuit import templates


def test_a_template_is_read():
    assert templates.read("controller/reserved_words.txt").startswith("accept_on")


def test_a_template_is_rendered(monkeypatch):
    monkeypatch.setattr(templates, "read", lambda name: "${rows}x$columns $$display")
    assert templates.render("any", rows=3, columns="4") == "3x4 $display"
    with pytest.raises(KeyError):
        templates.render("any", rows=3)


def test_a_wheel_carries_its_templates_inside_the_package(monkeypatch, tmp_path):
    (tmp_path / "_templates" / "a").mkdir(parents=True)
    (tmp_path / "_templates" / "a" / "b.txt").write_text("inside")
    monkeypatch.setattr(templates.resources, "files", lambda package: tmp_path)
    assert templates.read("a/b.txt") == "inside"
