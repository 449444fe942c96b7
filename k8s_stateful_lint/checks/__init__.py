"""The rules: one module a family, one function a rule.

A function is paired with its card in ``rules/<family>/`` by name, and called with every subject of the type its first
parameter names. It yields findings; it never walks the whole input, never reads files, never prints.
"""
