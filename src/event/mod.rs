//! What happened, as data: the contract between the engine and everything that shows or stores a run.
