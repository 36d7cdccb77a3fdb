//! The sessions from outside: one against a neighbour played by hand (`by_hand`: receiving, transmitting, the operator), two of
//! them on a simulated network (`network`, `pair`), and whatever else can come (`hostile`).

mod by_hand;
mod hostile;
mod network;
mod operator;
mod pair;
mod receiving;
mod transmitting;
