"""Prints template.yaml as the plain CloudFormation that SAM makes of it.

Nothing is looked up: no AWS call is made, no account and no region are needed. With --sets, standard input is a JSON array
of objects with parameters, and the output is an array of what SAM makes of the template with each of them.
"""

import argparse
import copy
import json
import logging
import os
import pathlib
import re
import sys

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
default_template = pathlib.Path(__file__).resolve().parent.parent / "template.yaml"
parser.add_argument("template", nargs="?", type=pathlib.Path, default=default_template, help="default: %(default)s")
parser.add_argument("--code", default="s3://artifacts/code", help="what stands for the packaged code; default: %(default)s")
parser.add_argument("--sets", action="store_true", help="read sets of parameters from standard input")
arguments = parser.parse_args()

try:
    from samtranslator.public.exceptions import InvalidDocumentException
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed; run: python3 -m pip install -r .ci/requirements.txt")


class NoManagedPolicies:
    """Stands in for the loader that would ask IAM for its managed policies."""

    def load(self):
        return {}


# The translator wants a region, any region, before it does anything, and remarks on metrics it did not send.
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
logging.getLogger("samtranslator").setLevel(logging.ERROR)

template = yaml_parse(arguments.template.read_text(encoding="utf-8"))
# The translator accepts packaged code only: this is the address that `sam deploy` would put here.
template["Globals"]["Function"]["CodeUri"] = arguments.code


def check(parameters):
    """Ends as CloudFormation does when a value is not one that its parameter may have."""
    for name, value in parameters.items():
        declared = template["Parameters"].get(name)
        if declared is None:
            sys.exit(f"{name} is no parameter")
        fits = (
            value in declared.get("AllowedValues", [value])
            and re.search(declared.get("AllowedPattern", ""), str(value))
            and (declared["Type"] != "Number" or isinstance(value, int))
            and value >= declared.get("MinValue", value)
            and value <= declared.get("MaxValue", value)
        )
        if not fits:
            sys.exit(f"{name} may not be {value!r}")


def plain(parameters):
    check(parameters)
    # The translator writes into both.
    return transform(copy.deepcopy(template), dict(parameters), NoManagedPolicies())


try:
    output = [plain(parameters) for parameters in json.load(sys.stdin)] if arguments.sets else plain({})
except InvalidDocumentException as invalid:
    sys.exit("\n".join(["the template is not valid SAM:", *(cause.message for cause in invalid.causes)]))
json.dump(output, sys.stdout, indent=2, sort_keys=True)
print()
