//! Tokens: who is calling.
