//! Nothing is here: the crate is its tests, `tests/manifests/`.
