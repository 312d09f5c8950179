"""Lets generated requests name things that exist, so that they get beyond "there is no such thing".

The names of fields and the nouns of addresses say what belongs there; `contract.py` made one of each.
"""

import itertools
import json
import os
import re

import schemathesis

with open(os.environ["CONTRACT_THINGS"], encoding="utf-8") as file:
    THINGS = json.load(file)

#: What is named by a field of a query or a body.
FIELDS = {
    "organization": "organizations",
    "platform": "platforms",
    "resource": "resources",
    "deposit": "deposits",
    "payment_method": "payment_methods",
    "member": "members",
    "sku": "skus",
}
#: What ends the one thing that everything else is about gets a thing of its own.
ENDS = {"close": "spare_organizations", "revoke": "spare_api_keys"}


TURNS = itertools.count()


def often():
    """Most of the time: a name of nothing has to be answered, too."""
    return next(TURNS) % 5 > 0


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if not path_parameters or not often():
        return path_parameters
    parts = [part for part in context.operation.path.split("/") if part]
    if "{id}" in parts:
        at = parts.index("{id}")
        noun = ENDS.get(parts[-1], parts[at - 1])
        if noun in THINGS:
            path_parameters["id"] = THINGS[noun]
    return path_parameters


def is_id(value):
    """What is no id on purpose stays none."""
    return isinstance(value, str) and re.fullmatch("[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}", value)


def filled(fields):
    for name, noun in FIELDS.items():
        if is_id(fields.get(name)) and often():
            fields[name] = THINGS[noun]
    return fields


@schemathesis.hook
def map_query(context, query):
    return filled(query) if query else query


@schemathesis.hook
def map_body(context, body):
    return filled(body) if isinstance(body, dict) else body
