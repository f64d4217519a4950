"""The base of every type that crosses the Temporal boundary."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """An immutable value that is recorded in histories.

    Histories outlive builds: fields are added with a default and never renamed, and
    unknown fields are ignored, so that an older build can read what a newer one wrote. A
    field that has its default is left out of payloads, so a default never changes either.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
