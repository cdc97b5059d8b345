"""UPDATE's clauses → an UpdateExpression, each clause of it once."""

from __future__ import annotations

from iotlab.table.errors import ValidationException
from iotlab.table.partiql import nodes
from iotlab.table.partiql.expression import Expression

_SET_FUNCTIONS = {"set_add": "ADD", "set_delete": "DELETE"}


def update_expression(statement: nodes.Update, expression: Expression) -> str:
    """Return what an UPDATE statement changes.

    Raises:
        ValidationException: ``set_add`` or ``set_delete`` is used in another way than
            ``SET path = set_add(path, <<…>>)``.
    """
    clauses: dict[str, list[str]] = {"SET": [], "REMOVE": [], "ADD": [], "DELETE": []}
    for assignment in statement.assignments:
        clause, action = _action(assignment, expression)
        clauses[clause].append(action)
    clauses["REMOVE"] = [expression.path(path) for path in statement.removes]
    return " ".join(f"{clause} {', '.join(actions)}" for clause, actions in clauses.items() if actions)


def _action(assignment: nodes.Assignment, expression: Expression) -> tuple[str, str]:
    value = assignment.value
    if isinstance(value, nodes.Sum):
        _refuse_set_functions(value.left, value.right)
        left, right = expression.operand(value.left), expression.operand(value.right)
        return "SET", f"{expression.path(assignment.path)} = {left} {value.operator} {right}"
    if isinstance(value, nodes.Call) and value.function in _SET_FUNCTIONS:
        changed, elements = value.arguments
        if changed != assignment.path or isinstance(elements, nodes.Path | nodes.Call):
            raise _misused(value.function)
        written = f"{expression.path(assignment.path)} {expression.value(elements)}"
        return _SET_FUNCTIONS[value.function], written
    _refuse_set_functions(*(value.arguments if isinstance(value, nodes.Call) else ()))
    return "SET", f"{expression.path(assignment.path)} = {expression.operand(value)}"


def _refuse_set_functions(*operands: nodes.Operand) -> None:
    for operand in operands:
        if not isinstance(operand, nodes.Call):
            continue
        if operand.function in _SET_FUNCTIONS:
            raise _misused(operand.function)
        _refuse_set_functions(*operand.arguments)


def _misused(function: str) -> ValidationException:
    return ValidationException(
        f"The function {function} takes the path that is set, and a set of what it changes there: "
        f"SET path = {function}(path, <<value>>)"
    )
