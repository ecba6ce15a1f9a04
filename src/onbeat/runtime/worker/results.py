"""Results of parents as arguments: read when the job runs, and put among those it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from onbeat.domain.errors import InvalidArguments
from onbeat.domain.jobs import ClaimedJob, JobId
from onbeat.store import history
from onbeat.store.store import Store

Wanted = Mapping[str, str | Sequence[str]]
"""The job whose result each argument is; of an argument that is a list, the job of each."""

_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def with_results(store: Store, job: ClaimedJob, wanted: Wanted) -> ClaimedJob:
    """The job with those among its arguments that are results.

    Raises InvalidArguments where a job has none, and StoreError.
    """
    parents = {
        parent for each in wanted.values() for parent in ([each] if isinstance(each, str) else each)
    }
    found = await store.read(partial(history.results_of, wanted=[JobId(each) for each in parents]))
    given = _raw.decode(job.args)
    for name, each in wanted.items():
        if isinstance(each, str):
            given[name] = _result(name, each, found)
        else:
            listed = b",".join(bytes(_result(name, one, found)) for one in each)
            given[name] = msgspec.Raw(b"[" + listed + b"]")
    return msgspec.structs.replace(job, args=msgspec.json.encode(given).decode())


def _result(name: str, job: str, found: Mapping[JobId, str]) -> msgspec.Raw:
    result = found.get(JobId(job))
    if result is None:
        raise InvalidArguments(
            name, f"it is the result of job {job}, which has none on record: `onbeat jobs show "
            f"{job}` tells where that stands",
        )  # fmt: skip
    return msgspec.Raw(result.encode())
