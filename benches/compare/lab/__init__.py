"""The parts of the comparison; `../run` puts them together, README.md says what they do."""
