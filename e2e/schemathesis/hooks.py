"""What the generated requests must know beyond their schemas: relations that JSON Schema has no words for.

Each is about valid requests only, and makes one of them mean what it was generated to mean; but for a stream without end none leaves a check out.
"""

import os
import uuid

import schemathesis
from schemathesis.core import NotSet
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.parameters import ParameterLocation

# The run's own key: revoked, every later answer would be a 401.
OWN_KEY = os.environ.get("GANTRY_KEY_ID", "")
# What is done to one session: to the call's own, which the header names, where the body names none.
TO_A_SESSION = ("/session.read", "/session.write", "/session.close")
# Records that are answered one by one, by `limits.bulk` of the project's gantry.yaml.
BULK = 40


@schemathesis.hook
def filter_case(context, case):
    body = case.body
    # A stream that is opened has no end that a check could wait for: the tests of the feed look into it.
    if case.path == "/api/v1/changes" and not (case.meta is not None and case.meta.generation.mode.is_negative):
        return False
    # Then each operation has an answer of its own, and the whole is a 200.
    if case.meta is not None and case.meta.generation.mode.is_negative and isinstance(body, dict):
        if body.get("atomic") is False:
            return False
    return not (case.path.endswith("/key.revoke") and isinstance(body, dict) and body.get("id") == OWN_KEY)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """A body that may be left out and was left out is no mistake, even where one was meant."""
    if not isinstance(failure, AcceptedNegativeData) or not isinstance(case.body, NotSet):
        return True
    negative = {place for place, part in case.meta.components.items() if part.mode.is_negative}
    body = case.operation.definition.raw.get("requestBody", {})
    return bool(negative - {ParameterLocation.BODY}) or body.get("required", False)


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    # A key names one call: generated twice with two bodies it is a 422, as it should be.
    if case.headers and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if isinstance(case.query, dict):
        question(case.query)
        # What made the record hands its id over as it is, to every parameter of that name; a filter has an operator.
        if "." not in str(case.query.get("id", ".")):
            case.query["id"] = f"eq.{case.query['id']}"
        for name in ("select", "order"):
            if isinstance(case.query.get(name), str):
                case.query[name] = ",".join(once(case.query[name].split(","))) if name == "order" else once_selected(case.query[name])
        # A change of a whole collection needs a filter, or to say that all are meant.
        if is_mass_change(case):
            case.query["all"] = "true"
    case.body = storable(case.body)
    # Lines are counted where each is answered, and only there.
    if isinstance(case.body, str) and case.body.count("\n") >= BULK:
        case.headers["Prefer"] = "return=minimal"
    if case.path.endswith(TO_A_SESSION) and not names_session(case):
        case.headers["Gantry-Session"] = "unknown"
    if isinstance(case.body, dict):
        question(case.body)
        relations(case.body)
        for op in case.body.get("ops", []) if isinstance(case.body.get("ops"), list) else []:
            if isinstance(op, dict) and isinstance(op.get("input"), dict):
                question(op["input"])
                relations(op["input"])
        transaction(case.body)


def storable(value):
    """Without U+0000, which PostgreSQL's jsonb cannot hold: a schema of any JSON cannot leave it out."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {storable(name): storable(one) for name, one in value.items()}
    return [storable(one) for one in value] if isinstance(value, list) else value


def names_session(case):
    named = isinstance(case.body, dict) and case.body.get("id") is not None
    return named or bool(case.headers and case.headers.get("Gantry-Session"))


def is_mass_change(case):
    return case.method.upper() in ("PATCH", "DELETE") and "{id}" not in case.path


def question(arguments):
    """A cursor is the server's word, authenticated: no other text is one."""
    arguments.pop("cursor", None)
    # A filter nests 8 levels deep and has 200 terms, which JSON Schema cannot count.
    if nesting(arguments.get("where")) > 8 or terms(arguments.get("where")) > 150:
        arguments.pop("where")
        if "values" in arguments:
            arguments["all"] = True


def terms(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if inner is None else sum(map(terms, inner)) + 1


def nesting(value):
    if isinstance(value, dict):
        return 1 + max((nesting(one) for one in value.values()), default=0)
    return max((nesting(one) for one in value), default=0) if isinstance(value, list) else 0


def once(names):
    return list(dict.fromkeys(names))


def once_selected(text):
    """Each field once: `a,rel(b)`, not `a,a` nor `rel,rel(b)`."""
    seen, kept = set(), []
    for part in text.split(","):
        name = part.split("(")[0]
        if name not in seen:
            seen.add(name)
            kept.append(part)
    return ",".join(kept)


def relations(body):
    if isinstance(body.get("select"), list) and all(isinstance(one, str) for one in body["select"]):
        body["select"] = once_selected(",".join(body["select"])).split(",")
    measures, group = body.get("measures"), body.get("group", [])
    if isinstance(measures, dict) or isinstance(body.get("group"), list):
        # A measure's name is no field of the group, and an order names one of both.
        measures = {name: one for name, one in (measures or {}).items() if name not in group}
        if measures or not group:
            body["measures"] = measures or {"n": "count"}
        else:
            body.pop("measures", None)
        if "order" in body:
            body["order"] = [name + ".desc" for name in [*group, *measures]]
    # An expiry lies in the future.
    if "roles" in body and "expires_at" in body:
        body["expires_at"] = "2199-01-01T00:00:00Z"


def transaction(body):
    """A name is given once; how many records an operation changes is not the schema's to know."""
    ops = body.get("ops")
    if not isinstance(ops, list):
        return
    names = set()
    for op in ops:
        if not isinstance(op, dict):
            continue
        op.pop("max_affected", None)
        if op.get("as") in names:
            op.pop("as", None)
        names.add(op.get("as"))
