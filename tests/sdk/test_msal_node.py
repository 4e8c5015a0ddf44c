"""MSAL Node (npm), unmodified, over https, with its one switch for a host that is not Microsoft's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import live
from tests.capability import capability
from tests.sdk import credentials, microsoft, secure
from tests.sdk.microsoft import CALLBACK, DAEMON, MACHINE, NATIVE, TENANT, WEB, Entra

pytestmark = pytest.mark.sdk
WITNESS = "MSAL Node"
SCOPES = ["User.Read"]
site = microsoft.secured
entra = microsoft.entra
