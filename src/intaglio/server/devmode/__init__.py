"""What development mode adds: seeds, the start page, the demo relying party and a local certificate authority.

Can never be active under `serve`.
"""
