"""The two ways in which this project reads data."""

from pydantic import BaseModel, ConfigDict


class Input(BaseModel):
    """What a person or another system sends: an unknown field is a typing error, and is refused.

    The offending value is left out of error texts, since an input may hold what must not be logged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Record(BaseModel):
    """What our own code hands on (activity results, state): unknown fields are ignored.

    A newer worker may answer an older one during a rolling release; refusing its extra field would fail open runs.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
