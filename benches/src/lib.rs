//! Criterion benchmarks of the codec and the RIB.
