"""The variants in which defects are looked for."""

from __future__ import annotations

from tests.conformance.op.running import Variant

CODE = Variant()
POSTED = Variant(response_mode="form_post")
SECRET_POST = Variant(client_auth="client_secret_post")
ID_TOKEN = Variant("id_token")
IMPLICIT = Variant("id_token token")
CODE_ID_TOKEN = Variant("code id_token")
HYBRID = Variant("code id_token token")
DYNAMIC = Variant(registration="dynamic_client")
JWT_AUTH = Variant(registration="dynamic_client", client_auth="private_key_jwt")
