"""Starting and stopping: everything seeded, what is configured, what must still happen, what stands in front.

Must not know what any of it answers.
"""
