"""Fields of untrusted JSON: each rule at its bounds, and the whole sentence that refuses."""

from __future__ import annotations

import re

import pytest

from kerasae_export.errors import BundleError
from kerasae_export.format.validation import Fields, parse_json, short


def refused(sentence, call, *arguments, **options):
    with pytest.raises(BundleError, match=f"^manifest.json: {re.escape(sentence)}$"):
        call(*arguments, **options)


def field(value):
    return Fields({"x": value}, "codec.")


@pytest.mark.parametrize(
    ("path", "content", "sentence"),
    [
        ("", 7, "the content must be an object. Received: 7"),
        ("codec.", [1], "`codec` must be an object. Received: [1]"),
        ("a.b[0].", None, "`a.b[0]` must be an object. Received: None"),
    ],
)
def test_what_is_no_object_is_refused_with_its_place(path, content, sentence):
    refused(sentence, Fields, content, path)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("object", ()),
        ("items", (1, 2)),
        ("text", ()),
        ("choice", (["a"],)),
        ("integer", (0, 1)),
        ("integers", (0, 1)),
        ("positive", ()),
        ("digest", ()),
        ("filename", ()),
    ],
)
def test_a_missing_field_is_named(method, arguments):
    refused("`codec.x` is missing.", getattr(Fields({}, "codec."), method), "x", *arguments)


@pytest.mark.parametrize(
    ("method", "arguments", "good"),
    [
        ("items", (1, 2), [[1], [1, "b"]]),
        ("text", (), ["", "a"]),
        ("choice", (["a", "b"],), ["a", "b"]),
        ("integer", (-1, 2), [-1, 0, 2]),
        ("digest", (), ["0123456789abcdef" * 4]),
        ("filename", (), ["a", "Zz/09._-", "a" * 120, "a.b/c.d"]),
    ],
)
def test_what_keeps_the_rule_is_given_back(method, arguments, good):
    for value in good:
        assert getattr(field(value), method)("x", *arguments) == value


@pytest.mark.parametrize(
    ("method", "arguments", "rule", "bad"),
    [
        ("object", (), "an object", [[], "a", None]),
        ("items", (1, 2), "a list of 1 to 2", [[], [1, 2, 3], "ab", {}]),
        ("items", (2, 2), "a list of 2", [[1], [1, 2, 3]]),
        ("text", (), "a string", [1, None, ["a"]]),
        ("choice", (["a", "b"],), "one of a, b", ["c", "", 1, ["a"]]),
        ("integer", (-1, 2), "an integer from -1 to 2", [-2, 3, 1.0, True, "1", None]),
        ("integers", (1, 3), "integers from 1 to 3", [[0], [4], [1, True], [1.0], "12", 1]),
        ("integers", (1, 3, 2), "2 integers from 1 to 3", [[1], [1, 2, 3], [0, 1], [1, 4]]),
        ("positive", (), "a positive number", [0, -1.0, True, "1", 1e-30, 1e30, None]),
        (
            "digest",
            (),
            "64 lower-case hexadecimal digits",
            ["0" * 63, "0" * 65, "A" * 64, "g" * 64, 0, ["0"] * 64],
        ),
    ],
)
def test_what_breaks_the_rule_is_refused_in_a_sentence(method, arguments, rule, bad):
    for value in bad:
        sentence = f"`codec.x` must be {rule}. Received: {short(value)}"
        refused(sentence, getattr(field(value), method), "x", *arguments)


def test_lists_of_integers_are_tuples_and_may_have_a_length():
    assert field([1, 3]).integers("x", 1, 3) == (1, 3)
    assert field([]).integers("x", 1, 3) == ()
    assert field([1, 3]).integers("x", 1, 3, 2) == (1, 3)


def test_positive_numbers_are_floats():
    for value in (1, 2e-30, 9e29):
        found = field(value).positive("x")
        assert found == value
        assert isinstance(found, float)


def test_an_object_inside_knows_its_path():
    inner = Fields({"a": {"b": 1}}, "codec.").object("a")
    assert inner.content == {"b": 1}
    assert inner.path == "codec.a."
    refused("`codec.a.c` is missing.", inner.text, "c")


def test_the_first_unknown_field_is_named():
    fields = Fields({"a": 1, "c": 1, "b": 1}, "codec.")
    fields.only("a b c")
    fields.only("d c b a")
    refused("`codec.'b'` is not a known field.", fields.only, "a")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".a", "a/", "/a", "a//b", "a/.b", "a/b/c", "ä", "a b", "a\\b", "a" * 121],
)
def test_names_that_could_leave_the_bundle_are_refused(name):
    sentence = f"`codec` must name files inside the bundle. Received: {short(name)}"
    refused(sentence, field(name).filename, "x")
    refused(sentence, field(None).check_filename, name)


def test_a_name_that_is_no_text_is_refused():
    refused("`codec.x` must be a string. Received: 1", field(1).filename, "x")


def test_json_is_read_from_bytes_and_text():
    assert parse_json(b'{"a": [1, 2.5, "\xc3\xa4"]}') == {"a": [1, 2.5, "ä"]}
    assert parse_json('{"a": null, "b": {}}') == {"a": None, "b": {}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 1}', "a name occurs twice in an object"),
        ('{"b": {"a": 1, "a": 2}}', "a name occurs twice in an object"),
        ("[NaN]", "NaN is not a finite number"),
        ("[-Infinity]", "-Infinity is not a finite number"),
        ("[1e999]", "1e999 is not a finite number"),
        (f"[{'9' * 400}.0]", f"{'9' * 20} is not a finite number"),
    ],
)
def test_json_is_taken_strictly(text, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        parse_json(text)


def test_bytes_that_are_no_utf_8_are_refused():
    with pytest.raises(UnicodeDecodeError):
        parse_json(b'["\xff"]')


def test_long_values_are_shortened_in_messages():
    assert short("a" * 76) == repr("a" * 76)
    assert len(short("a" * 77)) == 78
    assert short(["b" * 20] * 4) == (repr(["b" * 20] * 4))[:77] + "..."
    assert len(short({"c" * 40: ["d" * 60]})) == 80
    exact = ["e" * 18, "e" * 18, "e" * 18, "e" * 10]
    assert len(repr(exact)) == 80
    assert short(exact) == repr(exact)
