"""Writes the JSON schema of a policy, for editors: ``python docs/policy_schema.py > docs/policy.schema.json``."""

import json

from mlc.governance import GovernancePolicy

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document() -> str:
    """The whole file. It knows the form of a policy; what fits together only ``mlc policy check`` knows."""
    schema = GovernancePolicy.model_json_schema()
    return json.dumps({"$schema": DIALECT, **schema, "title": "Governance policy"}, indent=2)


if __name__ == "__main__":
    print(document())
