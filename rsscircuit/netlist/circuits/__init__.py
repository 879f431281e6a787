"""The circuits beside the crossbar tile, one a module: each a function from values to a circuit, and its closed form.

``docs/circuits.md`` draws them.
"""
