//! Views made of typed data, for tests.
