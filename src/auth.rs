//! Tokens: who is calling.
//!
//! A token is a signed JWT in its compact form (RFC 7515, RFC 7519). [`Verifier`] says whose it is,
//! [`authenticate`] whose a request is; [`issue`] makes tokens where there is no auth server. Signatures are checked by
//! `jsonwebtoken`. The rules for headers (`token`), claims (`claims`) and keys (`jwks`) are ours, because the
//! library's are looser than the contract's, and because its clock is the machine's.
//!
//! A token is refused with the rule that it breaks, and no claim is looked at before the signature is known to be
//! good. Accepted tokens are remembered for as long as they count and the keys stay the same (`cache`). What is not
//! here: sessions, log-in, and any list of revoked tokens.

mod bearer;
mod cache;
mod claims;
mod issue;
mod json;
mod jwks;
mod token;
mod verifier;

#[cfg(test)]
mod testing;

pub use bearer::authenticate;
pub use cache::CacheFigures;
pub use issue::issue;
pub use jwks::check_jwks_url;
pub use verifier::{RulesError, TokenRules, Verified, Verifier};
