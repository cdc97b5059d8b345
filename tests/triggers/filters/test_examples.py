"""The operators one by one, as the documentation's tables of Lambda and EventBridge have them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from iotlab.triggers.filters.criteria import FilterCriteria
from iotlab.triggers.filters.pattern import parse_pattern
from iotlab.triggers.filters.problem import PatternError


def matches(pattern: Any, event: Any) -> bool:
    return parse_pattern(msgspec.json.encode(pattern).decode()).matches(event)


EXAMPLES: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("null", {"UserID": [None]}, [{"UserID": None}], [{"UserID": "null"}, {"UserID": ""}, {}]),
    ("empty", {"LastName": [""]}, [{"LastName": ""}], [{"LastName": None}, {"LastName": " "}, {}]),
    ("equals", {"Name": ["Alice"]}, [{"Name": "Alice"}], [{"Name": "alice"}, {"Name": "Alice "}]),
    ("equals (ignore case)", {"Name": [{"equals-ignore-case": "alice"}]}, [{"Name": "ALiCE"}], [{"Name": "Bob"}]),
    (
        "and",
        {"Location": ["New York"], "Day": ["Monday"]},
        [{"Location": "New York", "Day": "Monday"}],
        [{"Location": "New York", "Day": "Tuesday"}, {"Location": "New York"}],
    ),
    ("or", {"PaymentType": ["Credit", "Debit"]}, [{"PaymentType": "Debit"}], [{"PaymentType": "Cash"}]),
    (
        "or (multiple fields)",
        {"$or": [{"Location": ["New York"]}, {"Day": ["Monday"]}]},
        [{"Location": "New York"}, {"Day": "Monday", "Location": "x"}],
        [{"Location": "x", "Day": "y"}],
    ),
    (
        "or beside and",
        {"a": ["1"], "$or": [{"b": ["2"]}, {"c": ["3"], "d": ["4"]}]},
        [{"a": "1", "b": "2"}, {"a": "1", "c": "3", "d": "4"}],
        [{"b": "2"}, {"a": "1", "c": "3"}],
    ),
    ("anything-but", {"w": [{"anything-but": ["Raining"]}]}, [{"w": "Sunny"}, {"w": 1}], [{"w": "Raining"}, {}]),
    ("anything-but, one value", {"w": [{"anything-but": "a"}]}, [{"w": "b"}], [{"w": "a"}]),
    ("anything-but, numbers", {"w": [{"anything-but": [100, 200]}]}, [{"w": 300}, {"w": "100"}], [{"w": 100}]),
    ("anything-but prefix", {"r": [{"anything-but": {"prefix": "us-"}}]}, [{"r": "eu-1"}], [{"r": "us-1"}, {}]),
    ("anything-but suffix", {"f": [{"anything-but": {"suffix": ".png"}}]}, [{"f": "a.txt"}], [{"f": "a.png"}]),
    (
        "anything-but wildcard",
        {"f": [{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}]},
        [{"f": "/usr/share"}],
        [{"f": "/usr/lib/a"}, {"f": "/usr/bin/a"}],
    ),
    (
        "anything-but (ignore case)",
        {"s": [{"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}]},
        [{"s": "running"}],
        [{"s": "INITIALIZING"}, {"s": "Stopped"}],
    ),
    (
        "numeric (equals)",
        {"Price": [{"numeric": ["=", 100]}]},
        [{"Price": 100}, {"Price": 100.0}],
        [{"Price": "100"}],
    ),
    (
        "numeric (range)",
        {"Price": [{"numeric": [">", 10, "<=", 20]}]},
        [{"Price": 10.5}, {"Price": 20}],
        [{"Price": 10}, {"Price": 20.1}, {"Price": True}],
    ),
    ("exists", {"ProductName": [{"exists": True}]}, [{"ProductName": None}], [{}, {"ProductName": {"S": "x"}}]),
    ("does not exist", {"ProductName": [{"exists": False}]}, [{}, {"ProductName": {"S": "x"}}], [{"ProductName": 1}]),
    ("exists, nested", {"a": {"b": [{"exists": False}]}}, [{}, {"a": {}}, {"a": 1}], [{"a": {"b": 1}}]),
    ("exists or a value", {"a": ["x", {"exists": False}]}, [{}, {"a": "x"}], [{"a": "y"}]),
    ("begins with", {"Region": [{"prefix": "us-"}]}, [{"Region": "us-"}], [{"Region": "eu-us-"}, {"Region": 1}]),
    (
        "begins with (ignore case)",
        {"s": [{"prefix": {"equals-ignore-case": "EventB"}}]},
        [{"s": "eventbus"}],
        [{"s": "x"}],
    ),
    ("ends with", {"FileName": [{"suffix": ".png"}]}, [{"FileName": "a.png"}], [{"FileName": "a.PNG"}]),
    (
        "ends with (ignore case)",
        {"s": [{"suffix": {"equals-ignore-case": "Bridge"}}]},
        [{"s": "tBRIDGE"}],
        [{"s": "x"}],
    ),
    (
        "wildcard",
        {"f": [{"wildcard": "dir/*.png"}]},
        [{"f": "dir/a.png"}, {"f": "dir/.png"}, {"f": "dir/b/c.png"}],
        [{"f": "dir/a.jpg"}, {"f": "xdir/a.png"}, {"f": "dir.png"}],
    ),
    ("wildcard, escaped", {"f": [{"wildcard": "a\\*b\\\\*"}]}, [{"f": "a*b\\"}, {"f": "a*b\\c"}], [{"f": "axb\\"}]),
    (
        "array in the event",
        {"tags": ["b"]},
        [{"tags": ["a", "b"]}, {"tags": [["b"]]}],
        [{"tags": ["a"]}, {"tags": []}],
    ),
    (
        "objects in an array",
        {"l": {"a": ["1"], "b": ["2"]}},
        [{"l": [{"a": "1", "b": "2"}]}],
        [{"l": [{"a": "1"}, {"b": "2"}]}],
    ),
    ("numbers by their text", {"n": [300]}, [{"n": 300}], [{"n": 300.0}, {"n": "300"}]),
    ("true is not one", {"n": [1, True]}, [{"n": 1}, {"n": True}], [{"n": "true"}, {"n": False}]),
    ("cidr", {"ip": [{"cidr": "10.0.0.0/24"}]}, [{"ip": "10.0.0.255"}], [{"ip": "10.0.1.1"}, {"ip": "x"}]),
    ("nothing", {}, [{}, {"a": 1}], []),
]


@pytest.mark.parametrize(
    ("pattern", "wanted", "unwanted"), [case[1:] for case in EXAMPLES], ids=[c[0] for c in EXAMPLES]
)
def test_each_operator_does_what_its_page_says(pattern: Any, wanted: list[Any], unwanted: list[Any]) -> None:
    assert [event for event in wanted if not matches(pattern, event)] == []
    assert [event for event in unwanted if matches(pattern, event)] == []


WRONG = [
    ("", "line 1, column 1: this is not JSON: Expecting value"),
    ("{'a': [1]}", "line 1, column 2: this is not JSON"),
    ("[]", "the pattern is no object"),
    ('{"a": "x"}', "a: a value stands without brackets"),
    ('{"a": {"b": 1}}', "a.b: a value stands without brackets"),
    ('{"a": []}', "a: the array is empty"),
    ('{"a": {}}', "a: the object is empty"),
    ('{"a": [["x"]]}', "a[0]: an array within an array"),
    ('{"a": ["x", {"prefx": "x"}]}', "a[1].prefx: 'prefx' is no operator"),
    ('{"a": [{"prefix": "x", "suffix": "y"}]}', "a[0]: an operator has 2 names"),
    ('{"a": [{"prefix": 1}]}', "a[0].prefix: 1 is no text"),
    ('{"a": [{"exists": "yes"}]}', "a[0].exists: 'yes' is neither true nor false"),
    ('{"a": [{"numeric": [">", "5"]}]}', "a[0].numeric[0]: '5' is no number"),
    ('{"a": [{"numeric": ["~", 5]}]}', "a[0].numeric[0]: '~' compares nothing"),
    ('{"a": [{"numeric": [">", 5, ">", 6]}]}', "a[0].numeric: these two comparisons are no range"),
    ('{"a": [{"numeric": [">", 6, "<", 5]}]}', "a[0].numeric: these two comparisons are no range"),
    ('{"a": [{"numeric": ["<", 1e300]}]}', "a[0].numeric[0]: 1e300 is out of range"),
    ('{"a": [{"anything-but": ["x", 1]}]}', "a[0].anything-but: ['x', 1] can't be excluded"),
    ('{"a": [{"anything-but": []}]}', "a[0].anything-but: [] can't be excluded"),
    ('{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', "a[0].anything-but:"),
    ('{"a": [{"wildcard": "a**b"}]}', "a[0].wildcard: two wildcards follow one another"),
    ('{"a": [{"wildcard": "a\\\\b"}]}', "a[0].wildcard: a backslash stands before"),
    ('{"$or": [{"a": ["x"]}]}', "$or: this is no list of alternatives"),
    ('{"a": {"$or": [{"b": ["x"]}, {"c": [{"prefix": ""}]}]}}', "a.$or[1].c[0].prefix: '' is no text"),
    ('{"a": ["x"], "a": ["y"]}', "a: the name stands twice"),
    ('{"a": [NaN]}', "NaN is no JSON number"),
    ('{"a":' * 900 + "1" + "}" * 900, "the pattern has 5401 characters"[:15]),
    ('{"a":' * 100 + "[1]" + "}" * 100, "the pattern is nested too deeply"),
]


@pytest.mark.parametrize(("text", "problem"), WRONG, ids=[text[:40] for text, _ in WRONG])
def test_a_mistake_is_named_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern(text)
    assert problem in caught.value.message


def test_a_mistyped_operator_gets_the_nearest_one() -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern('{"a": [{"equals-ignorecase": "x"}]}')
    assert caught.value.nearest == "equals-ignore-case"


def test_filters_are_or_ed_and_at_most_ten() -> None:
    criteria = FilterCriteria(['{"a": ["1"]}', '{"b": ["2"]}'])
    assert [criteria.matches(event) for event in ({"a": "1"}, {"b": "2"}, {"a": "2"})] == [True, True, False]
    with pytest.raises(PatternError, match="11 filters"):
        FilterCriteria(["{}"] * 11)


@pytest.mark.parametrize(
    ("pattern", "advice"),
    [
        ('{"dynamodb": {"NewImage": {"t": {"N": [{"numeric": [">", 30]}]}}}}', "numbers stand in a record as text"),
        ('{"dynamodb": {"NewImage": {"t": {"N": [31.5]}}}}', "numbers stand in a record as text"),
        (
            '{"dynamodb": {"OldImage": {"m": {"M": {"t": {"N": [{"anything-but": 5}]}}}}}}',
            "OldImage.m.M.t.N: numbers",
        ),
        ('{"dynamodb": {"NewImage": {"t": [{"exists": true}]}}}', "an attribute is an object"),
        ('{"dynamodb": {"newImage": {"t": {"S": ["x"]}}}}', "did you mean 'NewImage'"),
        ('{"eventname": ["INSERT"]}', "did you mean 'eventName'"),
        ('{"$or": [{"eventName": ["INSERT"]}, {"data": {"x": [1]}}]}', "a stream record has no 'data'"),
    ],
)
def test_a_pattern_that_can_never_match_is_advised_on(pattern: str, advice: str) -> None:
    (line,) = FilterCriteria([pattern]).advice
    assert advice in line


@pytest.mark.parametrize(
    "pattern",
    [
        '{"dynamodb": {"NewImage": {"t": {"N": ["31.5", {"prefix": "3"}]}}}}',
        '{"dynamodb": {"SizeBytes": [{"numeric": [">", 1000]}]}}',
        '{"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}',
    ],
)
def test_a_pattern_that_can_match_gets_no_advice(pattern: str) -> None:
    assert FilterCriteria([pattern]).advice == ()
