//! Tests from outside: the shipped binary as a user drives it.
