"""Does an answer look like the documents' example: the same fields in the same order, of the same kinds?"""

import re

NUMBER = re.compile(r"-?\d+(\.\d+)?")


def misfits(answer, example, where="", optional=()):
    """Return what is wrong with `answer`, a line each.

    A list of objects or lists is measured by the alternatives its example lists, a list of words by being words, any other
    element by element.
    """
    if isinstance(example, dict):
        return _object_misfits(answer, example, where, optional)
    if isinstance(example, list):
        return _list_misfits(answer, example, where, optional)
    return [] if _same_kind(answer, example) else [f"{where}: {answer!r} is not of the kind of {example!r}"]


def _same_kind(answer, example):
    if example is None:
        return answer is None
    if isinstance(example, float):
        return isinstance(answer, int | float) and not isinstance(answer, bool)
    if isinstance(example, str) and NUMBER.fullmatch(example):
        return isinstance(answer, str) and bool(NUMBER.fullmatch(answer))
    return type(answer) is type(example)


def _object_misfits(answer, example, where, optional):
    if not isinstance(answer, dict):
        return [f"{where}: {answer!r} is no object"]
    found = [f"{where}: {name} is missing" for name in example if name not in answer and name not in optional]
    found += [f"{where}: {name} is too much" for name in answer if name not in example and name not in optional]
    known = [name for name in answer if name in example]
    if known != [name for name in example if name in answer]:
        found.append(f"{where}: the order is {known}")
    for name in known:
        found += misfits(answer[name], example[name], f"{where}.{name}", optional)
    return found


def _list_misfits(answer, example, where, optional):
    if not isinstance(answer, list):
        return [f"{where}: {answer!r} is no list"]
    if all(isinstance(each, str) and not NUMBER.fullmatch(each) for each in example):
        return [f"{where}: {name!r} is no word" for name in answer if not isinstance(name, str)]
    if not isinstance(example[0], dict | list):
        pairs = zip(answer, example, strict=False)
        wrong = [line for i, (a, e) in enumerate(pairs) for line in misfits(a, e, f"{where}[{i}]", optional)]
        return wrong if len(answer) == len(example) else [f"{where}: {len(answer)} elements, not {len(example)}"]
    found = []
    for number, row in enumerate(answer):
        tried = [misfits(row, each, f"{where}[{number}]", optional) for each in example]
        found += min(tried, key=len, default=[])
    return found
