"""The questions and answers of identity, in no vendor's words.

Records that readers produce and writers consume. Knows no HTTP framework, no database, no vendor.
"""
