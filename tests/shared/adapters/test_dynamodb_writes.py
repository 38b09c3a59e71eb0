"""The same update as an expression and as a statement: one meaning, or no statement at all."""

import orjson
import pytest

from shared.adapters.dynamodb_writes import Wording, put, update, worded

KEY = {"pk": "a", "sk": "b"}


def test_an_update_is_said_with_its_values_in_order() -> None:
    write = update(
        "t-usage",
        KEY,
        "SET #m = :m, #d.#t = #d.#t + :n ADD used :n REMOVE #d.#old",
        "#m = :seen AND used <= :room AND attribute_not_exists(#d.#x)",
        names={"#m": "minute", "#d": "days", "#t": "25", "#old": "24", "#x": "26"},
        values={":m": 7, ":n": 2, ":seen": 6, ":room": 9},
    )
    assert orjson.loads(orjson.dumps(write.statement())) == {
        "Statement": (
            'UPDATE "t-usage" SET "minute" = ?, "days"."25" = days."25" + ?, "used" = used + ? REMOVE "days"."24" '
            'WHERE "pk" = ? AND "sk" = ? AND "minute" = ? AND "used" <= ? '
            'AND "days"."26" IS MISSING RETURNING ALL NEW *'
        ),
        "Parameters": [
            *({"N": "7"}, {"N": "2"}, {"N": "2"}),
            *({"S": "a"}, {"S": "b"}),
            *({"N": "6"}, {"N": "9"}),
        ],
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


@pytest.mark.parametrize(
    ("expression", "condition"),
    [
        ("SET n = :v", "attribute_not_exists(pk)"),  # may make an item, which no statement does
        ("SET n = :v", None),
        ("SET n = other", "n = :v"),
        ("SET n = if_not_exists(n, :v)", "n = :v"),
        ("SET n = other + :v", "n = :v"),
        ("SET n = :v", "n = :v OR m = :v"),
        ("SET n = :v", "attribute_exists(n)"),
        ("DELETE n :v", "n = :v"),
        ("ADD #strange :v", "n = :v"),
        ("SET #quoted = :v", "n = :v"),
    ],
)
def test_what_a_statement_can_not_say_stays_a_request_of_its_own(expression: str, condition: str | None) -> None:
    names = {"#strange": "0 1", "#quoted": 'a" = 1 --'}
    assert update("t", KEY, expression, condition, names=names, values={":v": 1}).statement() is None


def test_only_updates_are_said_as_statements() -> None:
    assert put("t", dict(KEY)).statement() is None


@pytest.mark.parametrize(("brief", "said"), [(True, "RETURNING MODIFIED NEW *"), (False, "RETURNING ALL NEW *")])
def test_a_statement_answers_what_it_changes_or_the_whole_item(brief: bool, said: str) -> None:
    wording = Wording("ADD used :n", "used <= :n", brief=brief)
    sent = orjson.loads(orjson.dumps(worded("t", KEY, wording, {":n": {"N": "1"}}).statement()))
    assert sent["Statement"].endswith(said)
