"""The API as a part of what a command runs: of `onbeat api` all of it, of `onbeat up` one."""

from __future__ import annotations

from dataclasses import dataclass

from onbeat.app.doctor.settings import source_of
from onbeat.app.onbeat import Onbeat
from onbeat.app.processes import ServiceMaker
from onbeat.cli.invocation import Invocation
from onbeat.domain.errors import InvalidSetting
from onbeat.settings import Settings


@dataclass(frozen=True, slots=True)
class Serving:
    """What listens already, and is to answer."""

    make: ServiceMaker
    address: str
    has_ui: bool = True
    """Whether the web UI was built, or came with the package."""

    @property
    def ui(self) -> str | None:
        """The web UI; None where it was not built."""
        return f"{self.address}/" if self.has_ui else None

    @property
    def ui_is_missing(self) -> str | None:
        """What to do where it was not built; None where it was."""
        if self.has_ui:
            return None
        return (
            "the web UI is not built into this installation: `make ui` in the repository, and "
            f"install it anew; a page without it is at {self.address}/lite"
        )

    @property
    def reference(self) -> str:
        """The page on which it is read and tried."""
        return f"{self.address}/api/v1/reference"

    async def first_link(self, ob: Onbeat) -> str | None:
        """Where the first admin is made, once and within a day; None where somebody can sign in.

        Its token stands behind the #, which a browser keeps to itself. Raises StoreError.
        """
        token = await ob.users.setup_token()
        return None if token is None else f"{self.address}/api/v1/setup#token={token}"


@dataclass(frozen=True, slots=True)
class NotServed:
    """Nothing listens, though this process might have served."""

    why: str


def serving(asked: Invocation, ob: Onbeat, settings: Settings) -> Serving:
    """What makes the API's service; it listens from here on.

    Raises InvalidSetting where the extra is not installed, and where nothing can listen there.
    """
    try:
        from onbeat.api.server import served  # noqa: PLC0415 - an extra, and half a second
        from onbeat.api.site import is_built  # noqa: PLC0415 - as the one before
    except ModuleNotFoundError as error:
        raise InvalidSetting(
            "api", f"{error.name} is not installed; run `pip install 'onbeat[server]'`"
        ) from None
    made = served(ob, settings)
    return Serving(made.make, made.address, is_built())


def serving_beside(asked: Invocation, ob: Onbeat, settings: Settings) -> Serving | NotServed:
    """The same beside other parts: none where it is switched off or not installed, and why.

    Where nobody has said a port, one that is taken is no failure: a second process on a machine
    serves none. Raises InvalidSetting otherwise.
    """
    if not settings.api:
        return NotServed("the setting api is false (ONBEAT_API)")
    try:
        return serving(asked, ob, settings)
    except InvalidSetting as error:
        if error.field != "api" and source_of("port") != "default":
            raise
        return NotServed(str(error))
