"""The commands of ``generate-crossbar``, by what they are about: parse, call, print; no logic of their own."""
